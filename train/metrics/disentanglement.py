"""What the view code decides of an object, and what the content code (measure 2 of the viewpoints).

Values come as a full grid: every one of K view codes with every one of C content codes. A value is
a row of D numbers; angles come as (cos, sin), classes as one number per class.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class VarianceShares(NamedTuple):
    """Shares of an attribute's variance, 0..1; the rest is their interaction."""

    view: float
    """Explained by the view code alone."""
    content: float
    """Explained by the content code alone."""


def variance_shares(
    values: np.ndarray,  # [K, C] or [K, C, D]
) -> VarianceShares:
    """Two-way decomposition of the variance over the grid, summed over the D numbers.

    The variance of the K row means has a part that is only the noise of averaging C values. It is
    removed, and likewise for columns, so that a share of nothing is 0 and not 1/C.
    """
    grid = values[:, :, None] if values.ndim == 2 else values
    grid = grid.astype(np.float64)
    views, contents = grid.shape[:2]
    if views < 2 or contents < 2:
        raise ValueError(f"values of shape {values.shape}: at least 2 views x 2 contents")
    mean = grid.mean(axis=(0, 1))
    by_view, by_content = grid.mean(axis=1), grid.mean(axis=0)
    rest = grid - by_view[:, None] - by_content[None] + mean
    noise = np.square(rest).sum() / ((views - 1) * (contents - 1))
    view = np.square(by_view - mean).sum() / (views - 1) - noise / contents
    content = np.square(by_content - mean).sum() / (contents - 1) - noise / views
    view, content = max(view, 0.0), max(content, 0.0)
    total = view + content + noise
    return VarianceShares(view / total, content / total) if total > 0 else VarianceShares(0.0, 0.0)


def object_deviations(
    values: Sequence[np.ndarray],  # each [K, C, D] of one attribute of the object
) -> np.ndarray:  # f32 [K]
    """How far each view code moves objects from what their content code makes of them.

    Root mean square, over contents and attributes, of the distance to the content's mean over all
    views. The unit is the attribute's standard deviation over the grid: 0 where the content alone
    decides. A code that imposes a body moves every content towards that body.
    """
    squares = []
    for attribute in values:
        grid = attribute.astype(np.float64)
        variance = grid.var(axis=(0, 1)).sum()
        apart = np.square(grid - grid.mean(axis=0, keepdims=True)).sum(axis=2).mean(axis=1)
        squares.append(apart / max(variance, 1e-12))
    return np.sqrt(np.mean(squares, axis=0)).astype(np.float32)
