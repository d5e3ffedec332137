"""Which cameras are asked for, and which object is seen from which of them."""

import numpy as np

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION
from train.config import MultiviewConfig

LARGEST_ELEVATION_DEGREES = 30.0
"""Of the cameras asked for; the photographs' range (paper 3.1)."""


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
    places = np.random.default_rng(seed).random((settings.objects, views)) + np.arange(views)
    chosen = around[(places * len(cameras) / views).astype(np.int64)]
    objects = np.repeat(np.arange(settings.objects, dtype=np.int32), views)
    return objects, chosen.reshape(-1).astype(np.int32)


def asked_cameras(
    count: int,
    seed: int,
    distances: tuple[float, float] | None = None,
    *,
    elevations: bool = True,
) -> np.ndarray:  # f32 [count, 5]
    """Cameras all around the circle: one random azimuth in each of `count` sectors.

    Elevations are stratified likewise and shuffled, and so are distances, from the nearest to the
    farthest of `distances`; without them no distance is asked for: nan. Without `elevations` no
    elevation is either. Offsets are nominal.
    """
    random = np.random.default_rng(seed)
    cameras = np.zeros((count, CAMERA_SIZE), np.float32)
    cameras[:, AZIMUTH] = (np.arange(count) + random.random(count)) * (360 / count)
    heights = (random.permutation(count) + random.random(count)) / count
    cameras[:, ELEVATION] = heights * LARGEST_ELEVATION_DEGREES if elevations else np.nan
    cameras[:, DISTANCE] = np.nan
    if distances is not None:
        places = (random.permutation(count) + random.random(count)) / count
        cameras[:, DISTANCE] = np.interp(places, (0, 1), distances)
    return cameras
