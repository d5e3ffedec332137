"""Intersection over union of masks: how well a silhouette matches (the paper's 2D IoU)."""

import numpy as np
from numpy.typing import NDArray

HALF_COVERED = {"b": True, "u": 128, "f": 0.5}
"""Least value of a pixel that belongs to the object, per kind of mask: bool, coverage 0..255,
coverage 0..1."""


def solid(masks: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Which pixels are at least half covered, from bool, uint8 (0..255) or float (0..1) masks."""
    if masks.dtype != np.uint8 and masks.dtype.kind not in "bf":
        raise TypeError(f"masks are {masks.dtype}; they must be bool, uint8 0..255 or float 0..1")
    return masks >= HALF_COVERED[masks.dtype.kind]


def mask_iou(
    first: NDArray[np.generic],  # [..., H, W]
    second: NDArray[np.generic],  # [..., H, W]
) -> NDArray[np.float64]:
    """Pixels in both masks over pixels in either, `[...]` in 0..1, on masks cut at one half.

    Two empty masks agree: 1.
    """
    if first.shape != second.shape:
        raise ValueError(f"masks have shapes {first.shape} and {second.shape}; they must be equal")
    first, second = solid(first), solid(second)
    union = np.sum(first | second, axis=(-2, -1))
    both = np.sum(first & second, axis=(-2, -1))
    return np.where(union == 0, 1.0, both / np.maximum(union, 1))
