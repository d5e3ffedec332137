"""Enlarges textures: bicubic, u wraps around, v stops at the edge."""

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import compiled

Array = NDArray[np.float32]

SHARPNESS = -0.5
"""The free parameter of Keys' bicubic kernel; -0.5 reproduces quadratics (Keys 1981)."""
TAPS = np.arange(-1, 3)
"""Texels that a position is interpolated from, counted from the one before it."""


class Enlargement:
    """Brings textures of one size to another, larger or equal in both directions."""

    def __init__(self, size: tuple[int, int], larger: tuple[int, int]) -> None:
        """(height, width) in texels."""
        if not (0 < size[0] <= larger[0] and 0 < size[1] <= larger[1]):
            raise ValueError(f"from {size} to {larger} texels; the second must not be smaller")
        self.size = size
        rows, self._row_weights = _taps(size[0], larger[0])
        self._rows = np.clip(rows, 0, size[0] - 1)
        columns, self._column_weights = _taps(size[1], larger[1])
        self._columns = columns % size[1]

    def __call__(
        self,
        texture: Array,  # [h, w, 3]
    ) -> Array:  # [Ht, Wt, 3]
        """The larger texture; its colours may overshoot those of the smaller one."""
        if texture.shape != (*self.size, 3):
            raise ValueError(f"texture has shape {texture.shape}; it must be {(*self.size, 3)}")
        height, width = len(self._rows), len(self._columns)
        wide = np.empty((self.size[0], width, 3), np.float32)
        _widen(np.ascontiguousarray(texture, np.float32), self._columns, self._column_weights, wide)
        large = np.empty((height, width * 3), np.float32)
        _heighten(wide.reshape(len(wide), -1), self._rows, self._row_weights, large)
        return large.reshape(height, width, 3)


def _taps(size: int, larger: int) -> tuple[NDArray[np.int64], Array]:
    """Which texels [N, 4] each of N larger ones is made of, some beyond the edge; their weights."""
    positions = (np.arange(larger) + 0.5) * size / larger - 0.5
    before = np.floor(positions).astype(np.int64)
    texels = before[:, None] + TAPS
    return texels, _keys(np.abs(positions[:, None] - texels)).astype(np.float32)


def _keys(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel, for distances of 0..2 texels."""
    a, x = SHARPNESS, distances
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, far)


@compiled
def _widen(
    texture: Array,  # [h, w, 3]
    columns: NDArray[np.int64],  # [Wt, 4]
    weights: Array,  # [Wt, 4]
    wide: Array,  # [h, Wt, 3], out
) -> None:
    """Each column as the weighted sum of four."""
    for r in range(wide.shape[0]):
        for c in range(wide.shape[1]):
            for k in range(3):
                wide[r, c, k] = (
                    weights[c, 0] * texture[r, columns[c, 0], k]
                    + weights[c, 1] * texture[r, columns[c, 1], k]
                    + weights[c, 2] * texture[r, columns[c, 2], k]
                    + weights[c, 3] * texture[r, columns[c, 3], k]
                )


@compiled
def _heighten(
    wide: Array,  # [h, N]
    rows: NDArray[np.int64],  # [Ht, 4]
    weights: Array,  # [Ht, 4]
    large: Array,  # [Ht, N], out
) -> None:
    """Each row as the weighted sum of four."""
    for r in range(large.shape[0]):
        first, second, third, fourth = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        a, b, c, d = weights[r, 0], weights[r, 1], weights[r, 2], weights[r, 3]
        for k in range(large.shape[1]):
            large[r, k] = (
                a * wide[first, k] + b * wide[second, k] + c * wide[third, k] + d * wide[fourth, k]
            )
