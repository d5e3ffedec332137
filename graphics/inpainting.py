"""Fill the hole that an object leaves in a picture from around it, its shadow and rim included."""

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import Number, compiled
from graphics.photographs import GREY

Array = NDArray[np.float32]

RIM = 1 / 64
"""Share of the side that a hole grows by all around: so far an object's colour reaches."""
BELOW, BESIDE = 1 / 16, 1 / 16
"""The same of its contact shadow: under the hole, and to both sides of its lower part."""
LOWER = 0.4
"""Share of the hole's height that counts as its lower part."""
LEVEL = 10.0
"""How much more alike neighbours in a row are than neighbours in a column: ground, horizon and sky
lie in rows. Measured on scenes without their vehicles at 64 px: 35.0 dB, without it 33.0."""
SWEEPS = 60
OVER = 1.9
"""Sweeps of successive over-relaxation, and by how much each goes too far. The picture is then
within a level or two of 255 of its limit, from 32 to 128 px."""


def with_rim(
    hole: NDArray[np.bool_],  # [R, R] where an object was
) -> NDArray[np.bool_]:  # [R, R]
    """The hole with the rim around it that shows some of the object's colour; its shadow stays, for
    renderers that cast none."""
    rim = max(1, round(RIM * len(hole)))
    return _grown(_grown(hole, (rim, rim), 0), (rim, rim), 1)


def whole_hole(
    hole: NDArray[np.bool_],  # [R, R] where an object was
) -> NDArray[np.bool_]:  # [R, R]
    """The hole with everything around it that shows the object: its rim and its contact shadow."""
    rows = np.flatnonzero(hole.any(axis=1))
    if not len(rows):
        return hole
    below, beside = (max(1, round(share * len(hole))) for share in (BELOW, BESIDE))
    whole = _grown(with_rim(hole), (0, below), 0)
    lower = rows[-1] - round(LOWER * (rows[-1] - rows[0]))
    whole[lower:] = _grown(whole[lower:], (beside, beside), 1)
    return whole


def fill(
    pixels: NDArray[np.uint8],  # [R, R, 3]
    hole: NDArray[np.bool_],  # [R, R]
) -> NDArray[np.uint8]:  # [R, R, 3]
    """The picture with the hole's pixels as smooth as its surroundings allow, along rows above all.

    They solve Laplace's equation with `LEVEL` times the conductance in rows. What is not in the
    hole is kept as it is. A picture that is all hole becomes mid grey.
    """
    if not hole.any():
        return pixels
    if hole.all():
        return np.full_like(pixels, GREY)
    known = (~hole)[..., None].astype(np.float32)
    filled = np.ascontiguousarray(_pull_push(pixels.astype(np.float32), known))
    _relax(filled, np.ascontiguousarray(hole), np.float32(LEVEL), np.float32(OVER), SWEEPS)
    filled = np.rint(np.clip(filled, 0, 255)).astype(np.uint8)
    return np.where(hole[..., None], filled, pixels)


def _grown(
    hole: NDArray[np.bool_], reach: tuple[int, int], axis: int
) -> NDArray[np.bool_]:  # as `hole`
    """Grown by so many pixels to both ends of an axis."""
    before, after = reach
    side = hole.shape[axis]
    wide = np.pad(hole, [(after, before) if each == axis else (0, 0) for each in (0, 1)])
    shifted = [np.take(wide, range(s, s + side), axis) for s in range(before + after + 1)]
    return np.logical_or.reduce(shifted)


def _pull_push(
    colours: Array,  # [H, W, 3]
    weights: Array,  # [H, W, 1] in 0..1
) -> Array:
    """Colours [H, W, 3], each mixed with the coarser level by as much as its weight lacks.

    A first guess, over a pyramid (Gortler et al., The Lumigraph, 1996, section 3.4).
    """
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


def _halved(values: Array) -> Array:
    """Sums over blocks of 2x2; nothing is added beyond an odd edge."""
    height, width = values.shape[:2]
    even = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]


@compiled
def _relax(
    colours: Array,  # [H, W, 3], in and out
    hole: NDArray[np.bool_],  # [H, W]
    level: Number,  # weight of neighbours in a row; in a column it is 1
    over: Number,
    sweeps: int,
) -> None:
    """Move the hole's pixels towards the weighted mean of their neighbours, again and again."""
    height, width = hole.shape
    for _ in range(sweeps):
        for r in range(height):
            for c in range(width):
                if not hole[r, c]:
                    continue
                up, down = max(r - 1, 0), min(r + 1, height - 1)
                left, right = max(c - 1, 0), min(c + 1, width - 1)
                for k in range(colours.shape[2]):
                    mean = level * (colours[r, left, k] + colours[r, right, k])
                    mean += colours[up, c, k] + colours[down, c, k]
                    mean /= level + level + colours.dtype.type(2)
                    colours[r, c, k] += over * (mean - colours[r, c, k])
