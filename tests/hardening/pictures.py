"""Pictures: what must be read, with its size, and what must be refused."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from demo_server import FACE, encoded
from PIL import Image

from fkp.images import load_image
from hardening.kinds import READ, REFUSED, Kind


def _load(content: bytes, _folder: Path) -> str:
    image = load_image(content)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    return f"{image.shape[1]} x {image.shape[0]}, mean {image.mean():.0f}"


def kinds() -> Iterator[Kind]:
    """All kinds of pictures."""
    for name, content in _good().items():
        yield Kind("pictures", name, partial(_load, content), r"^read (24 x 16|16 x 24|1 x 1|3 x 900)")
    for name, content in _bad().items():
        yield Kind("pictures", name, partial(_load, content), REFUSED)
    for name, path in (
        ("a folder", "."),
        ("a missing file", "gone.jpg"),
        ("a name with a null byte", "a\0b.jpg"),
    ):
        yield Kind("pictures", name, partial(_load_path, path), REFUSED)
    yield Kind("pictures", "the portrait itself", partial(_load, FACE.read_bytes()), READ + " 512 x 512")


def _load_path(name: str, folder: Path) -> str:
    return _load_array(load_image(folder / name))


def _load_array(image: np.ndarray) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


def _good() -> dict[str, bytes]:
    color = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8))
    gray = color.convert("L")
    turned, broken = color.getexif(), b"Exif\0\0II*\0\xff\xff\xff\xff"
    turned[274] = 6
    sixteen = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    floats = np.asarray(gray, np.float32)
    holes = floats.copy()
    holes[0, 0], holes[1, 1], holes[2, 2] = np.nan, np.inf, -np.inf
    frames = {"save_all": True, "append_images": [gray.convert("RGB")]}
    jpeg = encoded(color, "JPEG")
    return {
        "JPEG": jpeg,
        "JPEG, gray": encoded(gray, "JPEG"),
        "JPEG, CMYK": encoded(color.convert("CMYK"), "JPEG"),
        "JPEG, progressive": encoded(color, "JPEG", progressive=True),
        "JPEG turned by EXIF": encoded(color, "JPEG", exif=turned),
        "JPEG with broken EXIF": encoded(color, "JPEG", exif=broken),
        "JPEG with bytes after its end": jpeg + b"<script>" * 100,
        "PNG": encoded(color, "PNG"),
        "PNG, 1 bit": encoded(gray.convert("1"), "PNG"),
        "PNG, palette": encoded(color.convert("P"), "PNG"),
        "PNG, palette with a transparent color": encoded(color.convert("P"), "PNG", transparency=3),
        "PNG, gray with alpha": encoded(gray.convert("LA"), "PNG"),
        "PNG, RGBA": encoded(color.convert("RGBA"), "PNG"),
        "PNG, 16 bits": encoded(sixteen, "PNG"),
        "PNG, one pixel": encoded(color.crop((0, 0, 1, 1)), "PNG"),
        "PNG, three pixels wide": encoded(color.resize((3, 900)), "PNG"),
        "GIF": encoded(color, "GIF"),
        "GIF, animated": encoded(color, "GIF", **frames),
        "WebP": encoded(color, "WEBP"),
        "WebP, animated": encoded(color, "WEBP", **frames),
        "WebP, transparent": encoded(color.convert("RGBA"), "WEBP", lossless=True),
        "BMP": encoded(color, "BMP"),
        "TIFF": encoded(color, "TIFF"),
        "TIFF, LZW": encoded(color, "TIFF", compression="tiff_lzw"),
        "TIFF, floats": encoded(Image.fromarray(floats), "TIFF"),
        "TIFF, floats with NaN and infinities": encoded(Image.fromarray(holes), "TIFF"),
        "TIFF, 32-bit integers": encoded(Image.fromarray(np.asarray(gray, np.int32)), "TIFF"),
        "TIFF, many pages": encoded(color, "TIFF", **frames),
        "JPEG 2000": encoded(color, "JPEG2000"),
        "AVIF": encoded(color, "AVIF"),
        "PPM": encoded(color, "PPM"),
    }


def _bad() -> dict[str, bytes]:
    color = Image.fromarray(np.random.default_rng(0).integers(0, 256, (160, 240, 3), np.uint8))
    jpeg, png = encoded(color, "JPEG"), encoded(color, "PNG")
    return {
        "empty": b"",
        "a text": b"not a picture",
        "zeros": bytes(10_000),
        "HTML": b"<html><img src=x></html>",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "PDF": b"%PDF-1.7\n1 0 obj<<>>endobj",
        "PostScript, which starts a program": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "a ZIP": b"PK\3\4" + bytes(100),
        "ELF": b"\x7fELF" + bytes(100),
        "only JPEG's first bytes": jpeg[:20],
        "JPEG cut in half": jpeg[: len(jpeg) // 2],
        "PNG cut in half": png[: len(png) // 2],
        "only PNG's signature": png[:8],
        "PNG with a wrong checksum": png[:40] + bytes([png[40] ^ 1]) + png[41:],
        "PNG without pixels": _png(24, 16, b""),
        "PNG of zero size": _png(0, 16, b""),
        "PNG that says 60,000 x 60,000": _png(60_000, 60_000, bytes(100)),
        "PNG that says 2 billion x 2 billion": _png(2**31 - 1, 2**31 - 1, bytes(100)),
        "PNG bomb, 20,000 x 20,000": encoded(Image.new("1", (20_000, 20_000)), "PNG"),
        "GIF cut": encoded(color, "GIF")[:200],
        "WebP cut": encoded(color, "WEBP")[:60],
        "TIFF cut": encoded(color, "TIFF")[:60],
        "BMP cut": encoded(color, "BMP")[:100],
        "JPEG 2000 cut": encoded(color, "JPEG2000")[:80],
        "AVIF cut": encoded(color, "AVIF")[:80],
        "PPM with words for numbers": b"P6 many more 255\n" + bytes(100),
        "PPM of negative size": b"P6 -5 -5 255\n" + bytes(100),
        "ICO": _icon(png),
        "XPM, a format that stays shut": b'/* XPM */\nstatic char *a[] = {"1 1 1 1", "a c #000000", "a"};',
    }


def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _icon(png: bytes) -> bytes:
    file = io.BytesIO()
    file.write(
        struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 24, 16, 0, 0, 1, 32, len(png), 22) + png
    )
    return file.getvalue()
