"""Files no service should be hurt by, each with the error codes it may be answered with."""

import io
import pickle
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

from tests.service.requests import jpeg, png
from tests.service.small_bundle import draw_photograph

UNREADABLE = ("unreadable_image", "unsupported_format")
TOO_LARGE = ("image_too_large",)
NARROW = ("image_too_narrow", *UNREADABLE)


class Detonator:
    """Its pickle would end the process that loads it."""

    def __reduce__(self):
        import os

        return os._exit, (1,)


def png_of(width, height, *extra_chunks):
    """A PNG of one bit a pixel, all black, whatever its size; a few kB."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + -(-width // 8))) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra_chunks, (b"IDAT", rows + packer.flush()), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def npz_of(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def zip_bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("vertices.npy", "w", force_zip64=True) as member:
            for _ in range(512):
                member.write(bytes(1 << 20))
    return file.getvalue()


def saved(image, kind):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def poisons():
    """Name → (content, content type, codes it may be answered with)."""
    good, picture = jpeg(), png(draw_photograph())
    text_bomb = b"Comment\0\0" + zlib.compress(bytes(200 << 20))
    files = {
        "empty": (b"", ("empty_file",)),
        "noise": (np.random.default_rng(0).bytes(5000), UNREADABLE),
        "truncated-jpeg": (good[: len(good) // 2], UNREADABLE),
        "jpeg-header-only": (good[:20], UNREADABLE),
        "truncated-png": (picture[: len(picture) // 2], UNREADABLE),
        "damaged-png": (picture[:60] + b"\xff" * 40 + picture[100:], UNREADABLE),
        "bomb-12000": (png_of(12_000, 12_000), TOO_LARGE),
        "bomb-30000": (png_of(30_000, 30_000), TOO_LARGE),
        "0x0": (png_of(0, 0), NARROW),
        "1x5000": (png_of(1, 5000), NARROW),
        "5000x1": (png_of(5000, 1), NARROW),
        "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://a/"/>', UNREADABLE),
        "pdf": (b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF", UNREADABLE),
        "html": (b"<!doctype html><img src=//169.254.169.254/latest>", UNREADABLE),
        "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc) run", UNREADABLE),
        "tiff": (saved(draw_photograph(), "TIFF"), UNREADABLE),
        "pickle": (pickle.dumps(Detonator()), UNREADABLE),
        "nan-npz": (npz_of(vertices=np.full((9, 3), np.nan)), UNREADABLE),
        "pickled-npz": (npz_of(vertices=np.array([Detonator()], object)), UNREADABLE),
        "zip-bomb": (zip_bomb(), UNREADABLE),
        "all-transparent": (png(Image.new("RGBA", (64, 64))), ("transparent_image",)),
    }  # fmt: skip
    kinds = {"pickle": "application/vnd.bentoml+pickle"}
    found = {
        name: (content, kinds.get(name, "image/jpeg"), codes)
        for name, (content, codes) in files.items()
    }
    # Text beyond Pillow's own limit: skipped, or the image is refused.
    bomb = png_of(64, 64, (b"zTXt", text_bomb))
    found["text-bomb"] = (bomb, "image/png", (*UNREADABLE, "ok"))
    return found
