"""Photographs of procedural vehicles as arrays: every image a pure function of (seed, index)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphics.camera import check_cameras
from train.data.vehicles import photography, scene, vehicle, visibility

HELD_OUT_SEED = 900_001
"""Seed of the vehicles that only evaluation may see; training must use another one."""


class Attributes(NamedTuple):
    """The truth about each vehicle."""

    kind: NDArray[np.int32]
    """[B] index into KINDS."""
    roof_height: NDArray[np.float32]
    """[B] y extent, object units."""
    length: NDArray[np.float32]
    """[B] z extent, object units."""
    paint: NDArray[np.float32]
    """[B, 3] main colour, 0..1."""


class Photographs(NamedTuple):
    """Pictures with their truth."""

    images: NDArray[np.uint8]
    """[B, R, R, 3]"""
    masks: NDArray[np.uint8]
    """[B, R, R] coverage by the object, without its shadow: 0 none .. 255 all of the pixel."""
    cameras: NDArray[np.float32]
    """[B, 5] azimuth_degrees, elevation_degrees, distance, offset_x, offset_y."""
    attributes: Attributes


def photographs(seed: int, indices: ArrayLike, size: int = 64) -> Photographs:
    """One photograph of each vehicle, from its own random camera; the object is never cut off.

    Azimuth 0..360 and elevation 0..30 degrees, distance 4.4..6, offsets within 0.08, uniform.
    """
    indices = _checked(indices, size)
    cameras = np.empty((len(indices), 5), np.float32)
    photography.draw_cameras(seed, indices, cameras)
    return _take(seed, indices, cameras, size, frame=True)


def views(
    seed: int,
    indices: ArrayLike,
    cameras: NDArray[np.floating],  # [B, 5]
    size: int = 64,
) -> Photographs:
    """The same vehicles, each in its own light and surroundings, from the cameras given."""
    indices = _checked(indices, size)
    cameras = np.array(cameras, np.float32)
    check_cameras(cameras)
    if len(cameras) != len(indices):
        raise ValueError(f"{len(cameras)} cameras for {len(indices)} indices; give one for each")
    return _take(seed, indices, cameras, size, frame=False)


def _checked(indices: ArrayLike, size: int) -> NDArray[np.int64]:
    """Indices as int64 [B], or an error that says what is wrong with them or with the size."""
    if not 8 <= size <= 1024:
        raise ValueError(f"size is {size}; it must be 8..1024 px")
    checked = np.asarray(indices)
    if checked.ndim != 1 or not (np.issubdtype(checked.dtype, np.integer) or checked.size == 0):
        raise ValueError(f"indices are {checked.dtype} {checked.shape}; they must be integers [B]")
    if checked.size and checked.min() < 0:
        raise ValueError(f"an index is {checked.min()}; indices must be 0 or more")
    return checked.astype(np.int64)


def _take(
    seed: int, indices: NDArray[np.int64], cameras: NDArray[np.float32], size: int, frame: bool
) -> Photographs:
    things = np.zeros(len(indices), vehicle.VEHICLE)
    places = np.zeros(len(indices), scene.SCENE)
    photography.draw_things(seed, indices, things, places)
    images = np.empty((len(indices), size, size, 3), np.uint8)
    masks = np.empty((len(indices), size, size), np.uint8)
    # Small pictures get 16 samples per pixel instead of 4: silhouettes matter most there.
    factor = 2 if size >= 64 else 4
    buffers = visibility.studio(factor * size)
    photography.take(things, places, cameras, frame, buffers, (images, masks))
    attributes = Attributes(
        things["kind"].copy(),
        things["height"].astype(np.float32),
        things["length"].astype(np.float32),
        things["paint"].astype(np.float32),
    )
    return Photographs(images, masks, cameras, attributes)
