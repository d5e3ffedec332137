"""Which cameras are asked for, and which object is seen from which of them."""

import numpy as np

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION
from train.config import MultiviewConfig

Range = tuple[float, float]
"""The least and the greatest."""
ELEVATIONS_DEGREES = (0.0, 30.0)
"""Elevations to ask for where no photographs say better (paper 3.1)."""


def plan_views(
    cameras: np.ndarray,  # [K, 5]
    settings: MultiviewConfig,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:  # int32 [M], int32 [M]: object and viewpoint of each image
    """Give every object viewpoints all around the circle.

    The viewpoints in order of azimuth are cut into as many stretches as an object has views; each
    object gets a random one of every stretch.
    """
    views = min(settings.views, len(cameras))
    around = np.argsort(cameras[:, AZIMUTH], kind="stable")
    positions = np.random.default_rng(seed).random((settings.objects, views)) + np.arange(views)
    chosen = around[(positions * len(cameras) / views).astype(np.int64)]
    objects = np.repeat(np.arange(settings.objects, dtype=np.int32), views)
    return objects, chosen.reshape(-1).astype(np.int32)


def asked_cameras(
    count: int,
    seed: int,
    elevations: Range | None = ELEVATIONS_DEGREES,
    distances: Range | None = None,
) -> np.ndarray:  # f32 [count, 5]
    """Cameras all around the circle: one random azimuth in each of `count` sectors.

    Elevations are stratified likewise between the ends of their range and shuffled, and so are
    distances; without a range none is asked for: nan. Offsets are nominal.
    """
    random = np.random.default_rng(seed)
    cameras = np.zeros((count, CAMERA_SIZE), np.float32)
    cameras[:, AZIMUTH] = (np.arange(count) + random.random(count)) * (360 / count)
    for column, ends in ((ELEVATION, elevations), (DISTANCE, distances)):
        positions = (random.permutation(count) + random.random(count)) / count
        cameras[:, column] = np.nan if ends is None else np.interp(positions, (0, 1), ends)
    return cameras
