"""How far a predicted camera is from the true one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, DISTANCE, ELEVATION, check_cameras, wrap_degrees


class CameraErrors(NamedTuple):
    """Errors of B cameras."""

    azimuth_signed_degrees: NDArray[np.float64]
    """[B] in [-180, 180): predicted minus true, the short way round."""
    azimuth_degrees: NDArray[np.float64]
    """[B] in [0, 180]."""
    elevation_degrees: NDArray[np.float64]
    """[B], at least 0."""
    distance_relative: NDArray[np.float64]
    """[B], at least 0: difference over the true distance. One photograph tells a distance only as
    far as the category tells the object's size."""


def camera_errors(
    predicted: NDArray[np.floating],  # [B, 5]
    true: NDArray[np.floating],  # [B, 5]
) -> CameraErrors:
    """Errors of each predicted camera, in double precision."""
    check_cameras(predicted)
    check_cameras(true)
    if len(predicted) != len(true):
        raise ValueError(f"{len(predicted)} predicted and {len(true)} true cameras: as many each")
    predicted, true = predicted.astype(np.float64), true.astype(np.float64)
    signed = np.asarray(wrap_degrees(predicted[:, AZIMUTH] - true[:, AZIMUTH]), np.float64)
    return CameraErrors(
        signed,
        np.abs(signed),
        np.abs(predicted[:, ELEVATION] - true[:, ELEVATION]),
        np.abs(predicted[:, DISTANCE] / true[:, DISTANCE] - 1),
    )
