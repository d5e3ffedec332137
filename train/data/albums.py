"""Held-out objects of which several photographs are taken, and novel views far from all of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION, NOMINAL_DISTANCE
from train.data.held_out import HIGHEST_ELEVATION_DEGREES, NEAREST_NOVEL_DEGREES, ObjectSource
from train.data.mesh_objects import FARTHEST_DISTANCE
from train.metrics.shape_comparison import Shape

PHOTOGRAPHS = {1: (0,), 2: (0, 4), 4: (0, 1, 2, 3)}
"""How many photographs there are -> which of an album's."""
TURNS = ((90, 20), (180, 20), (270, 20), (180, 30))
"""Azimuths from the first photograph's to the others', and how far they may be off, in degrees."""
STEP_DEGREES = 0.25
"""Between the azimuths that a novel view may have."""


class Albums(NamedTuple):
    """N objects, 5 photographs and K novel views of each."""

    images: NDArray[np.uint8]
    """[N, 5, R, R, 3]"""
    cameras: NDArray[np.float32]
    """[N, 5, 5] of the photographs"""
    novel_cameras: NDArray[np.float32]
    """[N, K, 5]: at least 30 degrees from every photograph; nominal distance, no offset"""
    novel_images: NDArray[np.uint8]
    """[N, K, R, R, 3]"""
    novel_masks: NDArray[np.uint8]
    """[N, K, R, R] coverage 0..255"""
    shapes: list[Shape]
    """N true shapes"""
    names: list[str]


def albums(source: ObjectSource, view_count: int, size: int, seed: int) -> Albums:
    """Photograph every object of a source five times, and again from `view_count` novel cameras.

    The first photograph is that of `train.data.held_out.photograph`.
    """
    first = source.photographs(size)
    count = len(first.images)
    generator = np.random.default_rng(seed)
    cameras = np.zeros((count, 1 + len(TURNS), CAMERA_SIZE), np.float32)
    cameras[:, 0] = first.cameras
    for number, (turn, spread) in enumerate(TURNS, 1):
        off = generator.uniform(-spread, spread, count)
        cameras[:, number, AZIMUTH] = (first.cameras[:, AZIMUTH] + turn + off) % 360
        cameras[:, number, ELEVATION] = generator.uniform(0, HIGHEST_ELEVATION_DEGREES, count)
        cameras[:, number, DISTANCE] = generator.uniform(NOMINAL_DISTANCE, FARTHEST_DISTANCE, count)
    novel = np.zeros((count, view_count, CAMERA_SIZE), np.float32)
    for own, taken in zip(novel, cameras[..., AZIMUTH], strict=True):
        own[:, AZIMUTH] = azimuths_apart(taken, view_count)
    novel[..., ELEVATION] = generator.uniform(0, HIGHEST_ELEVATION_DEGREES, novel.shape[:2])
    novel[..., DISTANCE] = NOMINAL_DISTANCE
    images, _ = _views(source, cameras[:, 1:], size)
    novel_images, novel_masks = _views(source, novel, size)
    images = np.concatenate([first.images[:, None], images], axis=1)
    names = source.names
    return Albums(images, cameras, novel, novel_images, novel_masks, source.shapes, names)


def azimuths_apart(
    taken: NDArray[np.floating],  # [P] degrees
    count: int,
) -> NDArray[np.float64]:  # [count]
    """Azimuths spread evenly over those at least 30 degrees from all that are taken.

    Raises:
        ValueError: there are none.
    """
    every = np.arange(0, 360, STEP_DEGREES)
    apart = np.abs((every[:, None] - taken + 180) % 360 - 180).min(axis=1)
    allowed = every[apart >= NEAREST_NOVEL_DEGREES]
    if not len(allowed):
        raise ValueError(f"no azimuth is {NEAREST_NOVEL_DEGREES:g} degrees from all of {taken}")
    return allowed[np.linspace(0, len(allowed) - 1, count).round().astype(int)]


def _views(
    source: ObjectSource, cameras: NDArray[np.float32], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images [N, K, R, R, 3] and masks [N, K, R, R] from cameras [N, K, 5]."""
    count, views = cameras.shape[:2]
    indices = np.repeat(np.arange(count), views)
    taken = source.views(indices, cameras.reshape(-1, CAMERA_SIZE), size)
    return (
        taken.images.reshape(count, views, size, size, 3),
        taken.masks.reshape(count, views, size, size),
    )
