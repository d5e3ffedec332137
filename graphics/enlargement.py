"""Textures enlarged: bicubic, u wraps around, v stops at the edge."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SHARPNESS = -0.5
"""The free number of Keys' bicubic kernel; -0.5 reproduces quadratics (Keys 1981)."""
TAPS = np.arange(-1, 3)
"""Texels around a place that share in its colour, counted from the one before it."""


class Enlargement:
    """Brings textures of one size to another, larger or equal in both directions."""

    def __init__(self, size: tuple[int, int], larger: tuple[int, int]) -> None:
        """(height, width) in texels."""
        if not (0 < size[0] <= larger[0] and 0 < size[1] <= larger[1]):
            raise ValueError(f"from {size} to {larger} texels; the second must not be smaller")
        self.size = size
        rows, self._row_weights = _shares(size[0], larger[0])
        self._rows = np.clip(rows, 0, size[0] - 1)
        columns, self._column_weights = _shares(size[1], larger[1])
        self._columns = columns % size[1]

    def __call__(
        self,
        texture: Array,  # [h, w, 3]
    ) -> Array:  # [Ht, Wt, 3]
        """The larger texture; its colours may overshoot those of the smaller one."""
        if texture.shape != (*self.size, 3):
            raise ValueError(f"texture has shape {texture.shape}; it must be {(*self.size, 3)}")
        from graphics import enlargement_kernels as kernels  # compiles: only when it is needed

        height, width = len(self._rows), len(self._columns)
        wide = np.empty((self.size[0], width, 3), np.float32)
        kernels.widen(
            np.ascontiguousarray(texture, np.float32), self._columns, self._column_weights, wide
        )
        large = np.empty((height, width * 3), np.float32)
        kernels.heighten(wide.reshape(len(wide), -1), self._rows, self._row_weights, large)
        return large.reshape(height, width, 3)


def _shares(size: int, larger: int) -> tuple[NDArray[np.int64], Array]:
    """Which texels [N, 4] share in each of N larger ones, some beyond the edge, and how much."""
    places = (np.arange(larger) + 0.5) * size / larger - 0.5
    before = np.floor(places).astype(np.int64)
    texels = before[:, None] + TAPS
    return texels, _keys(np.abs(places[:, None] - texels)).astype(np.float32)


def _keys(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel, for distances of 0..2 texels."""
    a, x = SHARPNESS, distances
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, far)
