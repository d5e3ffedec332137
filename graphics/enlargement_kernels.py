"""Compiled loops of graphics.enlargement: one direction each, one thread, GIL released."""

import numpy as np
from numpy.typing import NDArray

from graphics.rasterize_kernels import Array, compiled


@compiled
def widen(
    texture: Array,  # [h, w, 3]
    columns: NDArray[np.int64],  # [Wt, 4]
    shares: Array,  # [Wt, 4]
    wide: Array,  # [h, Wt, 3], out
) -> None:
    """Each column as the weighted sum of four."""
    for r in range(wide.shape[0]):
        for c in range(wide.shape[1]):
            for k in range(3):
                wide[r, c, k] = (
                    shares[c, 0] * texture[r, columns[c, 0], k]
                    + shares[c, 1] * texture[r, columns[c, 1], k]
                    + shares[c, 2] * texture[r, columns[c, 2], k]
                    + shares[c, 3] * texture[r, columns[c, 3], k]
                )


@compiled
def heighten(
    wide: Array,  # [h, N]
    rows: NDArray[np.int64],  # [Ht, 4]
    shares: Array,  # [Ht, 4]
    large: Array,  # [Ht, N], out
) -> None:
    """Each row as the weighted sum of four."""
    for r in range(large.shape[0]):
        first, second, third, fourth = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        a, b, c, d = shares[r, 0], shares[r, 1], shares[r, 2], shares[r, 3]
        for k in range(large.shape[1]):
            large[r, k] = (
                a * wide[first, k] + b * wide[second, k] + c * wide[third, k] + d * wide[fourth, k]
            )
