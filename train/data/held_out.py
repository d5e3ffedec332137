"""Held-out objects: photographs that no training saw, novel views, and exact ground truth."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION, NOMINAL_DISTANCE
from train.data.vehicles import HELD_OUT_SEED, meshes, photographs, views
from train.metrics.shape_comparison import Shape

NEAREST_NOVEL_DEGREES = 30.0  # no novel view is closer in azimuth to the photograph
HIGHEST_ELEVATION_DEGREES = 30.0  # highest elevation of novel views, like the photographs


class HeldOut(NamedTuple):
    """N objects with their ground truth."""

    images: NDArray[np.uint8]  # [N, R, R, 3]: the photographs
    masks: NDArray[np.uint8]  # [N, R, R] coverage 0..255
    cameras: NDArray[np.float32]  # [N, 5] of the photographs
    novel_cameras: NDArray[np.float32]  # [N, K, 5]; the offsets are 0
    novel_images: NDArray[np.uint8]  # [N, K, R, R, 3]
    novel_masks: NDArray[np.uint8]  # [N, K, R, R] coverage 0..255
    shapes: list[Shape]  # N true shapes
    names: list[str]  # N, as the report calls them


class Pictures(NamedTuple):
    """B pictures with their ground truth."""

    images: NDArray[np.uint8]  # [B, R, R, 3]
    masks: NDArray[np.uint8]  # [B, R, R] coverage 0..255
    cameras: NDArray[np.float32]  # [B, 5]


class ObjectSource(Protocol):
    """Objects that the benchmark can photograph from any camera."""

    names: list[str]  # what a report calls each of the N objects
    shapes: list[Shape]  # the true shape of each object, in the canonical frame

    def photographs(self, size: int) -> Pictures:
        """One photograph of each object, from a camera of its own."""
        ...

    def views(self, indices: NDArray[np.integer], cameras: NDArray, size: int) -> Pictures:
        """Object `indices[b]` in its own light and surroundings from `cameras[b]`, [B, 5]."""
        ...


class ProceduralObjects:
    """The first `count` procedural vehicles of a seed."""

    def __init__(self, count: int, seed: int = HELD_OUT_SEED) -> None:
        self.seed, self.count = seed, count
        self.names = [f"vehicle {index}" for index in range(count)]
        exact = (meshes(seed, index) for index in range(count))
        self.shapes = [Shape(mesh.vertices, mesh.faces) for mesh in exact]

    def photographs(self, size: int) -> Pictures:
        """One photograph of each vehicle, from a camera of its own."""
        return Pictures(*photographs(self.seed, np.arange(self.count), size)[:3])

    def views(self, indices: NDArray[np.integer], cameras: NDArray, size: int) -> Pictures:
        """Vehicle `indices[b]` from `cameras[b]`, [B, 5]."""
        return Pictures(*views(self.seed, indices, cameras, size)[:3])


def held_out(objects: int, view_count: int, size: int, seed: int = HELD_OUT_SEED) -> HeldOut:
    """Photograph `objects` procedural vehicles, and again from `view_count` novel cameras each."""
    if objects < 1 or view_count < 1:
        raise ValueError(f"{objects} objects with {view_count} novel views: at least 1 of each")
    return photograph(ProceduralObjects(objects, seed), view_count, size, seed)


def photograph(source: ObjectSource, view_count: int, size: int, seed: int) -> HeldOut:
    """Photograph every object of a source, and again from `view_count` novel cameras each."""
    taken = source.photographs(size)
    objects = len(taken.images)
    novel_cameras = sample_novel_cameras(taken.cameras, view_count, seed)
    indices = np.repeat(np.arange(objects), view_count)
    novel = source.views(indices, novel_cameras.reshape(-1, 5), size)
    return HeldOut(
        *taken,
        novel_cameras,
        novel.images.reshape(objects, view_count, size, size, 3),
        novel.masks.reshape(objects, view_count, size, size),
        source.shapes,
        source.names,
    )


def sample_novel_cameras(
    cameras: NDArray[np.floating],  # [N, 5]
    view_count: int,
    seed: int,
) -> NDArray[np.float32]:
    """Novel cameras [N, K, 5]: azimuths evenly from 30 to 330 degrees beyond the photograph's,
    elevations sampled from 0..30, nominal distance, no offset.
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
