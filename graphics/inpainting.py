"""Fill a hole in a picture from around it."""

import numpy as np
from numpy.typing import NDArray

from graphics.photographs import GREY


def fill(
    pixels: NDArray[np.uint8],  # [R, R, 3]
    hole: NDArray[np.bool_],  # [R, R]
) -> NDArray[np.uint8]:  # [R, R, 3]
    """The picture with the hole's pixels taken from coarser and coarser averages of the others.

    Pull and push over a pyramid (Gortler et al., The Lumigraph, 1996, section 3.4); what is not in
    the hole is kept as it is. A picture that is all hole becomes mid grey.
    """
    if not hole.any():
        return pixels
    if hole.all():
        return np.full_like(pixels, GREY)
    known = (~hole)[..., None].astype(np.float32)
    filled = _pull_push(pixels.astype(np.float32), known)
    return np.where(hole[..., None], np.rint(filled).astype(np.uint8), pixels)


def _pull_push(
    colours: NDArray[np.float32],  # [H, W, 3]
    weights: NDArray[np.float32],  # [H, W, 1] in 0..1
) -> NDArray[np.float32]:
    """Colours [H, W, 3], each mixed with the coarser level by as much as its weight lacks."""
    height, width = weights.shape[:2]
    if weights.min() == 1 or height * width == 1:
        return colours
    sums, totals = _halved(colours * weights), _halved(weights)
    coarse = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    coarse = _pull_push(coarse, np.minimum(totals, 1))
    around = coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    around *= 1 - weights
    around += colours * weights
    return around


def _halved(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums over blocks of 2x2; nothing is added beyond an odd edge."""
    height, width = values.shape[:2]
    even = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
