"""Mask files: where the object of a photograph is, as a picture of the same size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from graphics.image_files import PhotographError, has_transparency, open_file, upright

HALF, LEAST_TRANSPARENT = 128, 0.01
"""A mask file is a cut-out, read by its alpha channel, where at least this share of its pixels is
more than half transparent; else white is the object, whatever its alpha channel."""
PROPORTIONS = 0.02  # how far the proportions of a mask of another size may be from the photograph's


def read_mask(content: bytes, size: tuple[int, int], pixel_limit: int, scaled: bool) -> Image.Image:
    """Grey, white on the object of an upright photograph of this size.

    `scaled`: a mask of another size, but of the photograph's proportions, will do.

    Raises:
        PhotographError: it cannot be read, or is of another size.
    """
    try:
        mask = open_file(content, pixel_limit)
        if not scaled and mask.width * mask.height != size[0] * size[1]:  # nothing is unpacked yet
            raise _wrong_mask_size(mask.size, size)
        mask, _ = upright(mask)
    except PhotographError as error:
        code = error.code if error.code == "wrong_mask_size" else "unreadable_mask"
        raise PhotographError(code, f"mask: {error.message}") from error
    stretched = mask.width * size[1] / (mask.height * size[0])
    if abs(stretched - 1) > PROPORTIONS if scaled else mask.size != size:
        raise _wrong_mask_size(mask.size, size)
    if has_transparency(mask):
        alpha = mask.getchannel("A")
        transparent = np.count_nonzero(np.asarray(alpha) < HALF) / (mask.width * mask.height)
        if transparent >= LEAST_TRANSPARENT:  # a cut-out, whose object may well be dark
            return alpha
    return mask.convert("L")


def _wrong_mask_size(got: tuple[int, int], wanted: tuple[int, int]) -> PhotographError:
    return PhotographError(
        "wrong_mask_size",
        f"the mask is {got[0]}x{got[1]} px and the upright image {wanted[0]}x{wanted[1]} px: "
        "make the mask from this very image",
    )
