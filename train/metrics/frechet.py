"""The Fréchet distance of two sets of images in the features of a network (Heusel et al. 2017).

With the features of an Inception network it is called FID. Distances are comparable only within one
network, and fall with the number of images: compare like with like.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Moments(NamedTuple):
    """A Gaussian fitted to features."""

    mean: NDArray[np.float64]  # [D]
    covariance: NDArray[np.float64]  # [D, D]


def moments(features: NDArray[np.floating]) -> Moments:
    """The Gaussian of features [N, D], N at least 2."""
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"features of shape {features.shape}: must be [N, D] with N at least 2")
    features = features.astype(np.float64)
    return Moments(features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False)))


def frechet_distance(first: Moments, second: Moments) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), 0 for equal Gaussians.

    The trace of the root is that of (R C2 R)^(1/2), R the root of C1: symmetric, so that it needs
    eigenvalues of symmetric matrices only.
    """
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    shared = np.linalg.eigvalsh(root @ second.covariance @ root)
    between = np.sqrt(np.clip(shared, 0, None)).sum()
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    apart = np.square(first.mean - second.mean).sum()
    return float(max(apart + traces - 2 * between, 0.0))
