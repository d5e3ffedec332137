"""A folder of photographs as square arrays: what `--data` trains on instead of vehicles."""

import math
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from train.config.refusal import CommandError

SUFFIXES = (".jpg", ".jpeg", ".png")
FORMATS = ("JPEG", "PNG")
MID_GREY = 128
"""Background of photographs with an alpha channel."""
OBJECT_FILL = 0.7
"""Share of the picture's side that the longer side of an object takes, where its place is known: as
the service cuts out photographs with an alpha channel."""

_SHORTEST_SIDE = 8  # pixels; less is an icon or a damaged header, not a photograph
_DETAIL = 4  # JPEGs are decoded at no less than this many times the size asked for: quick


class PhotographsError(CommandError):
    """The folder holds nothing to train on."""


class Skipped(NamedTuple):
    """A file that was left out."""

    name: str
    """Path below the folder."""
    reason: str
    """What is wrong with it."""


class FolderPhotographs(NamedTuple):
    """The N usable photographs of a folder, in the order of their names."""

    images: NDArray[np.uint8]
    """[N, R, R, 3]"""
    masks: NDArray[np.uint8] | None
    """[N, R, R] alpha, 0..255; None unless every photograph has transparent pixels."""
    opaque: list[str]
    """The names of those that have none."""
    names: list[str]
    """N paths below the folder."""
    skipped: list[Skipped]
    """Files with a photograph's suffix that could not be used."""


def read_folder(folder: Path | str, size: int) -> FolderPhotographs:
    """Read every JPEG and PNG below a folder as size x size pixels.

    Each is turned upright (EXIF) and area-averaged down: one with transparent pixels cut out on mid
    grey, so that the object takes `OBJECT_FILL` of the side, all others padded to a square around
    their middle by their edge pixels.

    Raises:
        PhotographsError: nothing is usable.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PhotographsError(f"{folder} is not a folder; give a folder of JPEG or PNG files")
    if size < 1:
        raise ValueError(f"size is {size}; it must be at least 1 px")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    squares: list[NDArray[np.uint8]] = []
    names: list[str] = []
    skipped: list[Skipped] = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            squares.append(_read(path, size))
            names.append(name)
        except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
            skipped.append(Skipped(name, f"{type(error).__name__}: {error}"))
    if not squares:
        raise PhotographsError(_nothing_usable(folder, skipped))
    stacked = np.stack(squares)  # [N, R, R, 4]
    whole = stacked[..., 3].min(axis=(1, 2)) == 255
    masks = None if whole.any() else np.ascontiguousarray(stacked[..., 3])
    opaque = [name for name, is_whole in zip(names, whole, strict=True) if is_whole]
    return FolderPhotographs(np.ascontiguousarray(stacked[..., :3]), masks, opaque, names, skipped)


def _nothing_usable(folder: Path, skipped: list[Skipped]) -> str:
    if not skipped:
        return f"{folder} holds no {', '.join(SUFFIXES)} file; give a folder of photographs"
    first = "; ".join(f"{name} ({reason})" for name, reason in skipped[:3])
    return (
        f"{folder}: none of its {len(skipped)} files is a readable photograph: {first}; "
        "give JPEG or PNG photographs"
    )


def read_upright(path: Path, size: int) -> NDArray[np.uint8]:
    """One photograph as RGB and alpha [H, W, 4], turned upright; raises what is wrong with it.

    `size`: what it will be shrunk to; a large JPEG is decoded at a fraction of its own size.
    """
    with warnings.catch_warnings():
        # A picture of more than 89 megapixels is skipped like a damaged one, and so is one whose
        # metadata Pillow calls corrupt: such files rarely hold what their owner thinks.
        warnings.simplefilter("error")
        with Image.open(path, formats=FORMATS) as image:
            if min(image.size) < _SHORTEST_SIDE:
                raise ValueError(
                    f"image is {image.width}x{image.height} px; "
                    f"sides must be at least {_SHORTEST_SIDE} px"
                )
            if image.format == "JPEG":
                image.draft(None, (_DETAIL * size, _DETAIL * size))
            image.load()
            return np.asarray(_eight_bit(ImageOps.exif_transpose(image)))


def _read(path: Path, size: int) -> NDArray[np.uint8]:
    """One photograph as RGB on mid grey and alpha [R, R, 4]; raises what is wrong with it."""
    return cut_out_or_padded(read_upright(path, size), size)


def cut_out_or_padded(
    pixels: NDArray[np.uint8],  # [H, W, 4]
    size: int,
) -> NDArray[np.uint8]:  # [R, R, 4]
    """What the alpha channel shows, cut out as the service does; without any, the whole picture.

    Raises:
        ValueError: the alpha channel hides every pixel.
    """
    if pixels[..., 3].min() < 255:
        return resized_on_grey(square_around(pixels, box_of(pixels[..., 3]), edge=False), size)
    return resized_on_grey(square_of(pixels), size)


def box_of(
    mask: NDArray[np.uint8],  # [H, W]
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is over one half.

    Raises:
        ValueError: nothing is.
    """
    rows, columns = (np.flatnonzero((mask > 127).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        raise ValueError("its mask is empty: no pixel belongs to the object")
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def square_around(
    pixels: NDArray[np.uint8],  # [H, W, 4]
    box: tuple[float, ...],
    edge: bool,  # continue the picture beyond its edge, else it is empty there
) -> NDArray[np.uint8]:  # [S, S, 4]
    """The square around a box of which the box's longer side takes `OBJECT_FILL`."""
    left, top, right, bottom = box
    if not (right > left and bottom > top):
        raise ValueError(f"its box {box} has no size")
    side = max(round(max(right - left, bottom - top) / OBJECT_FILL), 1)
    first = (math.floor((top + bottom - side) / 2), math.floor((left + right - side) / 2))
    places = [np.arange(start, start + side) for start in first]
    inside = [np.clip(place, 0, pixels.shape[axis] - 1) for axis, place in enumerate(places)]
    cut = pixels[np.ix_(*inside)].copy()
    beyond = [place != clipped for place, clipped in zip(places, inside, strict=True)]
    if not edge:
        cut[beyond[0][:, None] | beyond[1]] = 0
    return cut


def resized_on_grey(
    square: NDArray[np.uint8],  # [S, S, 4]
    size: int,
) -> NDArray[np.uint8]:  # [R, R, 4]
    """Area average downwards, bilinear upwards; what is transparent becomes mid grey."""
    shrinks = len(square) >= size
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    # Pillow weights colours by alpha as it averages, so nothing leaks from transparent pixels.
    resized = np.asarray(Image.fromarray(square).resize((size, size), method)).astype(np.float32)
    alpha = resized[..., 3:] / 255
    resized[..., :3] = alpha * resized[..., :3] + (1 - alpha) * MID_GREY
    return np.rint(resized).astype(np.uint8)


def _eight_bit(image: Image.Image) -> Image.Image:
    """RGBA, 8 bits a channel, of any mode."""
    if image.mode.startswith("I"):
        # Pillow clips 16 bits to 255 instead of scaling them.
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    return image.convert("RGBA")


def square_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pad [H, W, 4] to a square around its middle by the colours of its edges."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    padding = ((top, side - height - top), (left, side - width - left))
    return np.pad(pixels, (*padding, (0, 0)), mode="edge")
