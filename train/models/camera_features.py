"""Cameras as numbers of the order of one, which is how the GAN's networks are told them."""

import torch
from torch import Tensor

from graphics.camera import AZIMUTH, DISTANCE, ELEVATION, NOMINAL_DISTANCE

CAMERA_FEATURES = 6
ELEVATION_SCALE_DEGREES = 30.0
DISTANCE_SCALE = 0.1
"""Of the distance's logarithm: what counts as one, here and in the losses."""


def camera_features(
    cameras: Tensor,  # [B, 5]; a distance may be nan: nobody told it
) -> Tensor:  # [B, CAMERA_FEATURES]
    """Periodic azimuth and its double, elevation, and the distance over the nominal one.

    An untold distance counts as the nominal one. Offsets are not told.
    """
    azimuths = torch.deg2rad(cameras[:, AZIMUTH])
    distances = (cameras[:, DISTANCE] / NOMINAL_DISTANCE).log() / DISTANCE_SCALE
    features = (
        azimuths.cos(),
        azimuths.sin(),
        (2 * azimuths).cos(),
        (2 * azimuths).sin(),
        cameras[:, ELEVATION] / ELEVATION_SCALE_DEGREES,
        distances.nan_to_num(0.0),
    )
    return torch.stack(features, dim=1)
