"""Mask files: where the object of a photograph is, as a picture of the same size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.image_files import (
    PhotographError,
    eight_bit,
    open_file,
    transparent_share,
    turned,
    unpacked,
)

HALF, LEAST_TRANSPARENT = 128, 0.01
"""A mask file is a cut-out, read by its alpha channel, where at least this share of its pixels is
more than half transparent; else white is the object, whatever its alpha channel."""
PROPORTIONS = 0.02  # how far the proportions of a mask of another size may be from the photograph's
COLOURED, MOST_COLOURED = 64, 0.01
"""The channels of a grey pixel differ by at most so much, as JPEG leaves them; a mask may have this
share of others."""
BLACK = (0, 0, 0)


def read_mask(content: bytes, size: tuple[int, int], pixel_limit: int, scaled: bool) -> Image.Image:
    """Grey, white on the object of an upright photograph of this size.

    Where a mask has black and one other value, as 1 or a colour, this one is the object. `scaled`:
    a mask of another size, but of the photograph's proportions, will do.

    Raises:
        PhotographError: it cannot be read, is of another size, or is a picture of labels.
    """
    try:
        mask = open_file(content, pixel_limit)
        if not scaled and mask.width * mask.height != size[0] * size[1]:  # nothing is unpacked yet
            raise _wrong_mask_size(mask.size, size)
        mask, orientation = unpacked(mask)
        mask = turned(_coverage(mask), orientation)
    except PhotographError as error:
        code = error.code if error.code in ("wrong_mask_size", "ambiguous_mask") else ""
        raise PhotographError(code or "unreadable_mask", f"mask: {error.message}") from error
    stretched = mask.width * size[1] / (mask.height * size[0])
    if abs(stretched - 1) > PROPORTIONS if scaled else mask.size != size:
        raise _wrong_mask_size(mask.size, size)
    return mask


def object_box(coverage: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels of a mask [H, W] that are more than half the object's.

    Raises:
        PhotographError: there are none.
    """
    inside = coverage >= HALF
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        raise PhotographError(
            "transparent_image",
            "the mask or alpha channel hides every pixel: leave the object white or opaque",
        )
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _coverage(mask: Image.Image) -> Image.Image:
    """Grey, white on the object, by what kind of mask it is."""
    plain = eight_bit(mask)
    if plain.mode in ("LA", "RGBA"):
        alpha = plain.convert("RGBA")
        if transparent_share(alpha) >= LEAST_TRANSPARENT:  # a cut-out; its object may be dark
            return alpha.getchannel("A")
    if mask.mode.startswith("I"):
        return _of_levels(np.asarray(mask).astype(np.uint32))
    if plain.mode in ("1", "L"):
        return _of_bytes(plain if plain.mode == "L" else plain.convert("L"))
    colours = plain.convert("RGB")
    used = colours.getcolors(2)
    if used is not None and BLACK in (colour for _, colour in used):
        return Image.fromarray(np.where(np.asarray(colours).any(-1), 255, 0).astype(np.uint8))
    pixels = np.asarray(colours)
    coloured = np.ptp(pixels, axis=-1) > COLOURED
    if coloured.mean() > MOST_COLOURED:
        raise _ambiguous("it has several colours, as a picture of labels has")
    return _of_bytes(plain.convert("L"))


def _of_bytes(grey: Image.Image) -> Image.Image:
    """What `_of_levels` makes of grey of 8 bits, by how many pixels there are of each."""
    levels = np.flatnonzero(grey.histogram())
    most, two = int(levels[-1]), len(levels) == 2 and levels[0] == 0
    if two or (len(levels) == 1 and most >= HALF):
        return grey if most == 255 else grey.point([0] + [255] * 255)
    if 0 < most < HALF:
        raise _too_dark(most)
    return grey


def _of_levels(values: NDArray[np.integer]) -> Image.Image:
    """By grey values [H, W] of more bits: of two the one that is not 0, of more the brightness."""
    most = int(values.max())
    inside = values > 0
    if most == 0:  # nothing at all, which whoever cuts out says
        return Image.fromarray(values.astype(np.uint8))
    if (most >= HALF or not inside.all()) and np.array_equal(inside, values == most):
        return Image.fromarray(np.where(inside, 255, 0).astype(np.uint8))
    values = values >> 8 if most > 255 else values
    if values.max() < HALF:
        raise _too_dark(most)
    return Image.fromarray(values.astype(np.uint8))


def _too_dark(most: int) -> PhotographError:
    return _ambiguous(f"its brightest pixel is {most} of 255, as in a picture of labels")


def _ambiguous(what: str) -> PhotographError:
    return PhotographError(
        "ambiguous_mask",
        f"{what}: make the object white (255), or of one value, and everything else black (0)",
    )


def _wrong_mask_size(got: tuple[int, int], wanted: tuple[int, int]) -> PhotographError:
    return PhotographError(
        "wrong_mask_size",
        f"the mask is {got[0]}x{got[1]} px and the upright image {wanted[0]}x{wanted[1]} px: "
        "make the mask from this very image",
    )
