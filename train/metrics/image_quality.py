"""How alike two images of an object are, pixel by pixel."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

HIGHEST_PSNR = 60.0
"""Decibels given to images that are equal, so that means stay finite (an error of 1/1000)."""

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue (ITU-R BT.601)
WINDOW_SIGMA, WINDOW_RADIUS = 1.5, 5  # pixels: the 11 x 11 window of Wang et al. 2004
STABILISERS = (0.01**2, 0.03**2)  # C1 and C2 of Wang et al. 2004, for values in 0..1


def psnr(
    images: NDArray[np.floating],  # [..., H, W, 3] in 0..1
    ground_truth: NDArray[np.floating],  # [..., H, W, 3] in 0..1
    regions: NDArray[np.bool_],  # [..., H, W]
) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio `[...]` in dB over the pixels of a region, at most 60."""
    counts = _check(images, ground_truth, regions)
    apart = images.astype(np.float64) - ground_truth
    squares = np.einsum("...c,...c->...", apart, apart) / apart.shape[-1]
    error = np.sum(squares * regions, axis=(-2, -1)) / counts
    return -10 * np.log10(np.maximum(error, 10 ** (-HIGHEST_PSNR / 10)))


def ssim(
    images: NDArray[np.floating],  # [..., H, W, 3] in 0..1
    ground_truth: NDArray[np.floating],  # [..., H, W, 3] in 0..1
    regions: NDArray[np.bool_],  # [..., H, W]
) -> NDArray[np.float64]:
    """Structural similarity `[...]`, at most 1, of the luma, mean over the pixels of a region.

    Wang et al. 2004, eq. 13, with their Gaussian window; beyond the image's edge it is mirrored.
    """
    counts = _check(images, ground_truth, regions)
    first, second = (
        values.astype(np.float64) @ np.array(LUMA) for values in (images, ground_truth)
    )

    def local(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return gaussian_filter(values, WINDOW_SIGMA, radius=WINDOW_RADIUS, axes=(-2, -1))

    first_mean, second_mean = local(first), local(second)
    products, squares = first_mean * second_mean, first_mean**2 + second_mean**2
    spread = local(first * first + second * second) - squares
    shared = local(first * second) - products
    c1, c2 = STABILISERS
    similar = (2 * products + c1) * (2 * shared + c2) / ((squares + c1) * (spread + c2))
    return np.sum(similar * regions, axis=(-2, -1)) / counts


def _check(
    images: NDArray[np.floating], ground_truth: NDArray[np.floating], regions: NDArray[np.bool_]
) -> NDArray[np.integer]:
    """How many pixels each region has `[...]`; refuses what cannot be compared."""
    if images.shape != ground_truth.shape or images.shape[:-1] != regions.shape:
        raise ValueError(
            f"images {images.shape}, ground truth {ground_truth.shape}, regions {regions.shape}; "
            "they must be [..., H, W, 3] twice and [..., H, W]"
        )
    if images.dtype.kind != "f" or ground_truth.dtype.kind != "f":
        raise TypeError(
            f"images are {images.dtype} and {ground_truth.dtype}; both must be float, 0..1"
        )
    counts = np.sum(regions, axis=(-2, -1))
    if not np.all(counts):
        raise ValueError(f"{int(np.sum(counts == 0))} regions are empty: nothing to compare there")
    return counts
