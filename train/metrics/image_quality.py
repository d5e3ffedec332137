"""How alike two images of an object are, pixel by pixel."""

import numpy as np
from numpy.typing import NDArray

HIGHEST_PSNR = 60.0
"""Decibels given to images that are equal, so that means stay finite (an error of 1/1000)."""


def psnr(
    images: NDArray[np.floating],  # [..., H, W, 3] in 0..1
    truth: NDArray[np.floating],  # [..., H, W, 3] in 0..1
    regions: NDArray[np.bool_],  # [..., H, W]
) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio `[...]` in dB over the pixels of a region, at most 60."""
    if images.shape != truth.shape or images.shape[:-1] != regions.shape:
        raise ValueError(
            f"images {images.shape}, truth {truth.shape}, regions {regions.shape}; they must be "
            "[..., H, W, 3] twice and [..., H, W]"
        )
    if images.dtype.kind != "f" or truth.dtype.kind != "f":
        raise TypeError(f"images are {images.dtype} and {truth.dtype}; both must be float, 0..1")
    counts = np.sum(regions, axis=(-2, -1))
    if not np.all(counts):
        raise ValueError(f"{int(np.sum(counts == 0))} regions are empty: nothing to compare there")
    squares = np.mean(np.square(images.astype(np.float64) - truth), axis=-1)
    error = np.sum(squares * regions, axis=(-2, -1)) / counts
    return -10 * np.log10(np.maximum(error, 10 ** (-HIGHEST_PSNR / 10)))
