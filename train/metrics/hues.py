"""Hue and saturation of colours."""

import numpy as np
from numpy.typing import NDArray


def hues_degrees(colours: NDArray[np.floating]) -> NDArray[np.float64]:
    """Hues `[...]` in [0, 360) of colours `[..., 3]`: red 0, green 120, blue 240; of greys 0.

    The angle in the plane of equal brightness (Hanbury and Serra, 2003), which has no corners.
    """
    red, green, blue = np.moveaxis(np.asarray(colours, np.float64), -1, 0)
    return np.rad2deg(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)) % 360


def saturations(colours: NDArray[np.floating]) -> NDArray[np.float64]:
    """Saturations `[...]` in 0..1 of colours `[..., 3]`, as HSV has them; of black 0."""
    values = np.asarray(colours, np.float64)
    highest, lowest = values.max(axis=-1), values.min(axis=-1)
    apart = highest - lowest
    return np.divide(apart, highest, out=np.zeros_like(apart), where=highest > 0)
