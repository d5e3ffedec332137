"""Training and service see the same pixels, mask and frame of any file: they are read once."""

import io
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from graphics.photographs import Photograph
from service.errors import ItemError
from service.pipeline.seeing import prepare
from service.schemas.photographs import Upload
from service.settings import Settings
from train.data.photo_layouts import read_training
from train.data.photo_set import Photo, read_photos

WIDTH, HEIGHT = 217, 150
SIZES = [64, 128, 97]


def scene(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Colours of low and high frequency, in all of 0..255."""
    y, x = np.mgrid[:height, :width] * (WIDTH / width)
    waves = np.stack([np.sin(x / 9 + y / 31), np.cos(y / 5), np.sin(x * y / 800)], axis=-1)
    return Image.fromarray(np.rint(127.5 + 127.5 * waves).astype(np.uint8))


def disc(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """A soft mask of an object that takes a part of the photograph."""
    y, x = np.mgrid[:height, :width] * (WIDTH / width)
    distance = np.hypot(x - 120, 1.5 * (y - 60))
    return Image.fromarray(np.rint(255 * np.clip((55 - distance) / 6, 0, 1)).astype(np.uint8))


def cut_out() -> Image.Image:
    image = scene()
    image.putalpha(disc())
    return image


def encoded(image: Image.Image, form: str = "PNG", orientation: int = 1, **options) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, form, exif=exif, **options)
    return file.getvalue()


def png_of_48_bits() -> bytes:
    """RGB of 16 bits a channel, which Pillow cannot write."""
    values = np.asarray(scene()).astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def files() -> dict[str, bytes]:
    grey = np.asarray(scene().convert("L")).astype(np.uint16) * 257
    turned = {
        f"turned_{orientation}.{form.lower()}": encoded(scene(), form, orientation)
        for orientation in range(2, 9)
        for form in ("JPEG", "PNG")
    }
    return {
        "rgb.png": encoded(scene()),
        "rgb.jpeg": encoded(scene(), "JPEG"),
        "large.jpeg": encoded(scene(2170, 1500), "JPEG"),
        "rgb.webp": encoded(scene(), "WEBP"),
        "cmyk.jpg": encoded(scene().convert("CMYK"), "JPEG"),
        "grey.png": encoded(scene().convert("L")),
        "bits_16.png": encoded(Image.fromarray(grey)),
        "bits_48.png": png_of_48_bits(),
        "animated.gif": encoded(scene(), "GIF", save_all=True, append_images=[disc()]),
        "rgba.png": encoded(cut_out()),
        "rgba.webp": encoded(cut_out(), "WEBP"),
        "grey_alpha.png": encoded(cut_out().convert("LA")),
        "palette.png": encoded(scene().quantize(64)),
        "palette_alpha.png": encoded(cut_out().quantize(64)),
        "palette_alpha.gif": encoded(cut_out(), "GIF"),
        "rgba_turned.png": encoded(cut_out(), orientation=6),
        **turned,
    }


def served(content: bytes, size: int, mask: bytes | None = None):
    """What the service makes of a file, by a model of this resolution and its own segmenter."""
    engine = SimpleNamespace(
        manifest=SimpleNamespace(resolution=size),
        settings=Settings(),
        segmenter=SimpleNamespace(chosen=SimpleNamespace(side=size, stretched=False)),
    )
    upload = Upload("a", lambda: content, None if mask is None else lambda: mask)
    return prepare(engine, upload, detail=size)


FILES = files()
TRANSPARENT = {name for name in FILES if "alpha" in name or "rgba" in name}


def mask_of(name: str) -> bytes:
    """A mask of the upright size of a file."""
    with Image.open(io.BytesIO(FILES[name])) as image:
        sideways = image.getexif().get(0x0112, 1) >= 5
        return encoded(disc(*(image.size[::-1] if sideways else image.size)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("with_mask", [False, True], ids=["alone", "with_mask"])
def test_training_reads_a_file_as_the_service_does(
    tmp_path: Path, name: str, with_mask: bool, size: int
) -> None:
    path, mask = tmp_path / name, mask_of(name) if with_mask else None
    path.write_bytes(FILES[name])
    photo = Photo(name, path)
    if mask is not None:
        photo = Photo(name, path, tmp_path / "mask.png")
        photo.mask.write_bytes(mask)
    read = read_photos([photo], size).photograph(0)
    found = served(FILES[name], size, mask)
    np.testing.assert_array_equal(read.pixels, found.pixels)
    masked = with_mask or name in TRANSPARENT
    assert (read.mask is not None) == isinstance(found, Photograph) == masked
    if masked:
        assert read.frame == found.frame and read.size == found.size
        assert 0 < found.mask.mean() < 1
        np.testing.assert_array_equal(read.mask, found.mask)
        assert read.mask.dtype == found.mask.dtype


def test_a_folder_is_read_as_the_service_reads_each_of_its_files(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    found = read_training(tmp_path, 64)
    assert found.names == sorted(FILES) and found.skipped == []
    for number, name in enumerate(found.names):
        one = served(FILES[name], 64)
        np.testing.assert_array_equal(found.images[number], one.pixels)
        assert found.masked[number] == isinstance(one, Photograph)


def test_both_refuse_a_file_for_the_same_reason(tmp_path: Path) -> None:
    refused = {
        "cut.jpg": FILES["rgb.jpeg"][:700],
        "empty.png": b"",
        "narrow.png": encoded(Image.new("RGB", (8, 300))),
        "nothing.png": encoded(Image.new("RGBA", (50, 50))),
        "text.gif": b"no picture",
    }
    for name, content in refused.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "rgb.png").write_bytes(FILES["rgb.png"])
    found = read_training(tmp_path, 64)
    assert [item.name for item in found.skipped] == list(refused)
    for name, reason in found.skipped:
        with pytest.raises(ItemError) as error:
            served(refused[name], 64)
        assert error.value.message == reason
