"""What the networks read in one of an object's photographs, and how it is compared to others."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH
from graphics.rasterize import visible_faces
from graphics.render import View

Array = NDArray[np.float32]


class Reading(NamedTuple):
    """One photograph, read by itself."""

    pixels: NDArray[np.uint8]
    """[R, R, 3]"""
    mask: Array
    """[R, R] in 0..1"""
    vertices: Array
    """[V, 3], canonical frame"""
    texture: Array
    """[Ht, Wt, 3] in 0..1, as predicted"""
    camera: Array
    """[5], the convention of `graphics.camera`"""
    confidence: float
    """0..1, that the azimuth is about right"""
    azimuth_probabilities: Array
    """[24], the bins of `graphics.azimuth`; sum 1"""


def turned(camera: Array, degrees: float) -> Array:
    """A camera [5] with another azimuth."""
    other = camera.copy()
    other[AZIMUTH] += np.float32(degrees)
    return other


def covered(view: View, size: int, number: int = 0) -> NDArray[np.bool_]:
    """The silhouette [size, size] of the object `number` of a view."""
    only = slice(number, number + 1)
    seen = visible_faces(view.corners[only], view.corners_z[only], size, size, view.facing[only])
    return seen.face_index[0] >= 0


def mask_iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """IoU, 0..1, of two masks; 0 where both are empty."""
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 0.0
