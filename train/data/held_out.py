"""Held-out vehicles: photographs that no training saw, novel views of them, and exact truth."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION, NOMINAL_DISTANCE
from train.data.vehicles import HELD_OUT_SEED, meshes, photographs, views

NEAREST_NOVEL_DEGREES = 30.0
"""No novel view is closer in azimuth to the photograph."""
HIGHEST_ELEVATION_DEGREES = 30.0
"""Novel views look down by up to this, like the photographs."""


class Shape(NamedTuple):
    """A true shape in the canonical frame."""

    vertices: NDArray[np.floating]
    """[V, 3]"""
    faces: NDArray[np.int32]
    """[F, 3]; closed parts that may overlap."""


class HeldOut(NamedTuple):
    """N objects with their truth."""

    images: NDArray[np.uint8]
    """[N, R, R, 3]: the photographs."""
    masks: NDArray[np.uint8]
    """[N, R, R] coverage 0..255."""
    cameras: NDArray[np.float32]
    """[N, 5] of the photographs."""
    novel_cameras: NDArray[np.float32]
    """[N, K, 5]; the offsets are 0."""
    novel_images: NDArray[np.uint8]
    """[N, K, R, R, 3]"""
    novel_masks: NDArray[np.uint8]
    """[N, K, R, R] coverage 0..255."""
    shapes: list[Shape]
    """N true shapes."""


def held_out(objects: int, view_count: int, size: int, seed: int = HELD_OUT_SEED) -> HeldOut:
    """Photograph `objects` procedural vehicles, and again from `view_count` novel cameras each."""
    if objects < 1 or view_count < 1:
        raise ValueError(f"{objects} objects with {view_count} novel views: at least 1 of each")
    indices = np.arange(objects)
    taken = photographs(seed, indices, size)
    novel_cameras = draw_novel_cameras(taken.cameras, view_count, seed)
    novel = views(seed, np.repeat(indices, view_count), novel_cameras.reshape(-1, 5), size)
    true_meshes = [meshes(seed, int(index)) for index in indices]
    return HeldOut(
        taken.images,
        taken.masks,
        taken.cameras,
        novel_cameras,
        novel.images.reshape(objects, view_count, size, size, 3),
        novel.masks.reshape(objects, view_count, size, size),
        [Shape(mesh.vertices, mesh.faces) for mesh in true_meshes],
    )


def draw_novel_cameras(
    cameras: NDArray[np.floating],  # [N, 5]
    view_count: int,
    seed: int,
) -> NDArray[np.float32]:
    """Novel cameras [N, K, 5]: azimuths evenly from 30 to 330 degrees beyond the photograph's,
    elevations drawn from 0..30, nominal distance, no offset.
    """
    novel = np.zeros((len(cameras), view_count, CAMERA_SIZE), np.float32)
    turns = np.linspace(NEAREST_NOVEL_DEGREES, 360 - NEAREST_NOVEL_DEGREES, view_count)
    if view_count == 1:
        turns = np.array([180.0])
    novel[..., AZIMUTH] = (cameras[:, AZIMUTH, None] + turns) % 360
    generator = np.random.default_rng(seed)
    novel[..., ELEVATION] = generator.uniform(0, HIGHEST_ELEVATION_DEGREES, novel.shape[:2])
    novel[..., DISTANCE] = NOMINAL_DISTANCE
    return novel
