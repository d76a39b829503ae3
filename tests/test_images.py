"""Every way a picture can come in, and the one sentence that refuses it."""

from __future__ import annotations

import errno
import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from fkp.errors import ImageError
from fkp.images import load_image, load_picture, loading

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

    monkeypatch.setattr(Image.Image, "getexif", explode)
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


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("kind", ["gray.png", "gray.tiff", "color.png", "color.tiff", "alpha.png"])
def test_few_bits_in_sixteen_are_not_black(kind, bits):
    full = (1 << bits) - 1
    ramp = np.linspace(0, full, 9).round().astype(np.uint16)[None].repeat(4, 0)
    channels = {"gray": 0, "color": 3, "alpha": 4}[kind.partition(".")[0]]
    values = ramp
    if channels:
        values = np.dstack([ramp, ramp // 2, np.zeros_like(ramp), np.full_like(ramp, 65535)][:channels])
    data = cv2.imencode(f".{kind.rpartition('.')[2]}", values)[1].tobytes()
    image = load_image(data)
    expected = np.linspace(0, 255, 9)
    np.testing.assert_allclose(image[0, :, 2 if channels else 0], expected, atol=1)
    np.testing.assert_allclose(image[0, :, 1], expected / (2 if channels else 1), atol=1)


def test_transparent_parts_of_sixteen_bits_become_white():
    values = np.zeros((4, 4, 4), np.uint16)
    values[:2] = (0, 0, 1023, 65535)
    image = load_image(cv2.imencode(".png", values)[1].tobytes())
    assert image[0, 0].tolist() == [255, 0, 0]
    assert image[3, 0].tolist() == [255, 255, 255]


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


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_does_not_spoil_a_float_picture(odd):
    values = np.linspace(280, 310, 9, dtype=np.float32)[None].repeat(4, 0)
    values[3, 0] = odd
    image = load_image(encoded(Image.fromarray(values), "TIFF"))
    np.testing.assert_allclose(image[0, :, 0], np.linspace(0, 255, 9), atol=1)
    assert image[3, 0, 0] == (255 if odd == np.inf else 0)


def test_no_number_at_all():
    image = load_image(encoded(Image.fromarray(np.full((3, 3), np.nan, np.float32)), "TIFF"))
    assert (image == 0).all()


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


NOISE = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
FLAT = np.full((64, 64, 3), 128, np.uint8)


@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("pixels", [NOISE, FLAT])
def test_a_jpeg_that_lacks_only_its_end_marker_is_whole(pixels, cut, progressive):
    data = encoded(Image.fromarray(pixels), "JPEG", progressive=progressive)
    np.testing.assert_array_equal(load_image(data[:-cut]), load_image(data))


@pytest.mark.parametrize("end", [b"", b"\xff", b"\xff\xd9"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_jpeg_whose_pixels_end_early_is_refused(end, progressive, share):
    data = encoded(Image.fromarray(NOISE), "JPEG", quality=95, progressive=progressive)
    if progressive and end == b"\xff\xd9":
        pytest.skip("a later scan that ends early costs detail only")
    with pytest.raises(ImageError, match=r"is damaged: (its pixels end early|image file is truncated)"):
        load_image(data[: int(len(data) * share)] + end)


def test_gray_jpegs_are_whole():
    np.testing.assert_array_equal(load_image(encoded(Image.fromarray(FLAT), "JPEG")), FLAT)


def png_with_rows(image: Image.Image, rows: int) -> bytes:
    """A PNG whose stream of pixels ends properly, but early: after so many rows."""
    data = encoded(image)
    start = data.index(b"IDAT") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    raw = zlib.decompress(data[start + 8 : start + 8 + length])
    body = b"IDAT" + zlib.compress(raw[: len(raw) // image.height * rows])
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:start] + chunk + data[start + length + 12 :]


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA"])
def test_a_png_whose_pixels_end_early_is_refused(mode):
    image = Image.fromarray(NOISE).convert(mode)
    assert load_image(png_with_rows(image, 64)).shape == NOISE.shape
    for rows in (1, 32, 63):
        with pytest.raises(ImageError, match="is damaged: its pixels end early"):
            load_image(png_with_rows(image, rows))


def test_a_png_with_a_black_last_row_is_whole():
    dark = NOISE.copy()
    dark[-3:] = 0
    np.testing.assert_array_equal(load_image(encoded(Image.fromarray(dark))), dark)


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded():
    data = encoded(Image.fromarray(NOISE), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match=r"has 1,5\d\d scans, at most 50 are decoded"):
        load_image(data[:start] + data[start:-2] * 1500 + data[-2:])
    assert load_image(data).shape == NOISE.shape


def test_scans_of_a_thumbnail_or_of_what_follows_do_not_count():
    data = encoded(Image.fromarray(NOISE), "JPEG")
    thumbnail = b"\xff\xe1" + struct.pack(">H", 402) + b"\xff\xda" * 200
    np.testing.assert_array_equal(
        load_image(data[:2] + thumbnail + data[2:] + b"\xff\xda" * 200), load_image(data)
    )


@pytest.mark.parametrize(("most", "reduction"), [(64 * 96, 1), (64 * 96 - 1, 2), (400, 4), (100, 8)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_smaller(most, reduction, orientation):
    ramp = np.linspace(0, 255, 96).astype(np.uint8)[None].repeat(64, 0)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(Image.fromarray(ramp), "JPEG", quality=95, exif=exif)
    picture = load_picture(data, max_pixels=most)
    whole = (64, 96) if orientation == 1 else (96, 64)
    assert (picture.size, picture.reduction) == (whole, reduction)
    assert picture.image.shape == (whole[0] // reduction, whole[1] // reduction, 3)
    full = cv2.resize(load_image(data), picture.image.shape[1::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(picture.image.astype(int), full, atol=6)


def test_only_baseline_jpegs_are_decoded_smaller():
    for data in (encoded(Image.fromarray(NOISE), "JPEG", progressive=True), encoded(Image.fromarray(NOISE))):
        assert load_picture(data, max_pixels=64 * 64).reduction == 1
        with pytest.raises(ImageError, match="64 x 64 pixels, at most"):
            load_picture(data, max_pixels=64 * 64 - 1)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "cannot be opened: Too many open files"),
        (MemoryError(), "needs more memory than there is"),
        (PermissionError(errno.EACCES, "no"), "may not be read"),
    ],
)
def test_what_the_computer_lacks_is_not_the_files_fault(tmp_path, monkeypatch, error, words):
    path = tmp_path / "fine.png"
    path.write_bytes(encoded(Image.fromarray(COLOR)))

    def fail(self):
        raise error

    monkeypatch.setattr(type(path), "read_bytes", fail)
    with pytest.raises(ImageError, match=rf"fine\.png {words}"):
        load_image(path)


def test_memory_that_ends_while_decoding(monkeypatch):
    files = [encoded(Image.fromarray(COLOR), kind) for kind in ("PNG", "JPEG")]

    def fail(self):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", fail)
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    for data in files:
        with pytest.raises(ImageError, match="needs more memory"):
            load_image(data)


def test_devices_are_no_pictures():
    with pytest.raises(ImageError, match="is not a regular file"):
        load_image("/dev/zero")


def test_a_heic_picture_names_what_reads_it(monkeypatch):
    monkeypatch.setattr(loading, "_formats", lambda: loading.FORMATS)
    header = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with pytest.raises(ImageError, match="is a HEIC picture: `pip install pi-heif`"):
        load_image(header)


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
    data = bytearray(encoded(Image.new("L", (1, 1))))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.parametrize("side", [11_000, 12_000, 60_000])
def test_bombs_are_refused_from_the_header(side):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match=r"is too large: .*at most 120 megapixels"):
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
