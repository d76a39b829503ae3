"""Every way a picture can come in, and the one sentence that refuses it."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps

from fkp.errors import ImageError
from fkp.images import load_image

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
ORIENTATION = 0x0112
# What a camera does to the upright picture before it writes that orientation.
TURNED_BY_CAMERA = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_path_string_bytes_and_open_file(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(Image.fromarray(COLOR)))
    with path.open("rb") as file:
        for source in (path, str(path), path.read_bytes(), file):
            image = load_image(source)
            np.testing.assert_array_equal(image, COLOR)
            assert image.dtype == np.uint8
            assert image.flags.c_contiguous
            assert image.flags.writeable


@pytest.mark.parametrize("orientation", TURNED_BY_CAMERA)
def test_exif_orientation(orientation):
    turn = TURNED_BY_CAMERA[orientation]
    upright = Image.fromarray(COLOR)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    written = upright if turn is None else upright.transpose(turn)
    np.testing.assert_array_equal(load_image(encoded(written, exif=exif)), COLOR)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_spoil_the_picture():
    junk = b"Exif\x00\x00II*\x00\xff\xff\xff\x7f" + bytes(RNG.integers(0, 256, 40, dtype=np.uint8))
    image = load_image(encoded(Image.fromarray(COLOR), "JPEG", exif=junk))
    assert image.shape == COLOR.shape


def test_broken_orientation_leaves_the_picture_as_it_is(monkeypatch):
    def explode(image):
        raise SyntaxError("not a TIFF file")

    monkeypatch.setattr(ImageOps, "exif_transpose", explode)
    np.testing.assert_array_equal(load_image(encoded(Image.fromarray(COLOR))), COLOR)


def test_content_counts_not_the_name(tmp_path):
    path = tmp_path / "frame.jpg"
    path.write_bytes(encoded(Image.fromarray(COLOR)))
    np.testing.assert_array_equal(load_image(path), COLOR)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LAB", "RGB"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG"])
def test_modes_and_formats(mode, kind):
    image = Image.fromarray(COLOR)
    if mode == "LAB":
        image = Image.merge("LAB", image.split())
    try:
        data = encoded(image.convert(mode), kind)
    except (OSError, ValueError):
        pytest.skip(f"{kind} holds no {mode}")
    assert load_image(data).shape == COLOR.shape


def test_gray_becomes_three_equal_channels():
    gray = COLOR[..., 0]
    np.testing.assert_array_equal(load_image(encoded(Image.fromarray(gray))), np.dstack([gray] * 3))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_becomes_white(mode):
    image = Image.new("RGBA", (4, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    data = encoded(image.convert("LA"), "PNG") if mode == "LA" else encoded(image, "PNG")
    if mode == "PA":
        data = encoded(image.quantize(8), "PNG")
    row = load_image(data)[0].astype(int)
    assert row[0].tolist() == [0, 0, 0]
    assert row[1].tolist() == [255, 255, 255]
    assert abs(row[2] - 127).max() <= 1


def test_palette_with_a_transparent_index():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    assert load_image(encoded(image, transparency=1))[0].tolist() == [[10, 20, 30], [255, 255, 255]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(kind):
    values = np.array([[0, 257, 1000, 32768, 65535]], np.uint16)
    image = load_image(encoded(Image.fromarray(values), kind))
    assert image[0, :, 0].tolist() == [0, 1, 4, 128, 255]
    assert image.shape == (1, 5, 3)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_wide_values_are_scaled_by_their_own_range(dtype):
    image = load_image(encoded(Image.fromarray(np.array([[-100, 0, 100]], dtype)), "TIFF"))
    np.testing.assert_allclose(image[0, :, 0].astype(int), [0, 127, 255], atol=1)
    flat = load_image(encoded(Image.fromarray(np.full((2, 2), 7, dtype)), "TIFF"))
    assert (flat == 0).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_first_frame_of_several(kind):
    first, second = (Image.new("RGB", (8, 8), color) for color in ("red", "blue"))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(first, kind, save_all=True, append_images=[second], **options)
    assert load_image(data)[0, 0].tolist() == [255, 0, 0]


def test_cmyk_jpeg():
    white = Image.new("CMYK", (8, 8), (0, 0, 0, 0))
    assert load_image(encoded(white, "JPEG")).min() > 250


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_truncated(tmp_path, kind):
    noise = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "half.bin"
    data = encoded(Image.fromarray(noise), kind)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=r"half\.bin is (damaged|not a picture)"):
        load_image(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", b"\xff\xd8\xff"])
def test_no_picture(content):
    with pytest.raises(ImageError, match=r"the picture is (not a picture that can be read|damaged)"):
        load_image(content)


def test_missing_and_folder(tmp_path):
    with pytest.raises(ImageError, match=r"absent\.png does not exist$"):
        load_image(tmp_path / "absent.png")
    with pytest.raises(ImageError, match=r"is a folder, not a picture$"):
        load_image(tmp_path)


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size; its pixels are those of a small one."""
    import struct
    import zlib

    data = bytearray(encoded(Image.new("L", (1, 1))))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_bombs_are_refused_from_the_header(side):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(ImageError, match=r"is too large: .*at most 50 megapixels"):
            load_image(png_of_size(side, side))


def test_own_pixel_cap():
    data = encoded(Image.fromarray(COLOR))
    assert load_image(data, max_pixels=54).shape == COLOR.shape
    with pytest.raises(ImageError, match=r"9 x 6 pixels, at most 5e-05 megapixels"):
        load_image(data, max_pixels=50)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_empty(size):
    with pytest.raises(ImageError, match=r"the picture is (empty|damaged|not a picture)"):
        load_image(png_of_size(*size))
