"""Photographs of procedural road vehicles as arrays: every image a function of (seed, index)."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from train.data.road_vehicles import photography, shape
from train.data.road_vehicles.light import LIGHT, sample_light
from train.data.road_vehicles.vehicle import VEHICLE, sample_vehicle
from train.data.vehicles import counter, visibility
from train.data.vehicles.scene import SCENE, sample_scene


class Photographs(NamedTuple):
    """Pictures with their ground truth."""

    images: NDArray[np.uint8]
    """[B, R, R, 3]"""
    masks: NDArray[np.uint8]
    """[B, R, R] coverage by the object, without its shadow: 0 none .. 255 all of the pixel."""
    cameras: NDArray[np.float32]
    """[B, 5] azimuth_degrees, elevation_degrees, distance, offset_x, offset_y."""
    kinds: NDArray[np.int32]
    """[B] index into KINDS"""


@numba.njit(nogil=True)
def _sample(seed, indices, vehicles, lights, scenes, cameras):
    for item in range(len(indices)):
        sample_vehicle(vehicles[item], seed, indices[item])
        sample_light(lights[item], seed, indices[item])
        sample_scene(scenes[item], seed, indices[item])
        state = counter.stream(seed, indices[item], counter.CAMERA)
        cameras[item, 0] = counter.uniform(state, 0.0, 360.0)
        cameras[item, 1] = (
            counter.uniform(state, -2.0, 30.0)
            if counter.chance(state, 0.5)
            else counter.uniform(state, 0.0, 15.0)
        )
        cameras[item, 2] = counter.uniform(state, 4.9, 6.2)
        cameras[item, 3] = counter.uniform(state, -0.06, 0.06)
        cameras[item, 4] = counter.uniform(state, -0.06, 0.06)


def photographs(seed: int, indices: ArrayLike, size: int = 64) -> Photographs:
    """One photograph of each vehicle, from its own random camera; the object is never cut off."""
    indices = np.asarray(indices, np.int64)
    count = len(indices)
    vehicles, lights, scenes = (
        np.zeros(count, VEHICLE),
        np.zeros(count, LIGHT),
        np.zeros(count, SCENE),
    )
    cameras = np.empty((count, 5), np.float32)
    _sample(seed, indices, vehicles, lights, scenes, cameras)
    images = np.empty((count, size, size, 3), np.uint8)
    masks = np.empty((count, size, size), np.uint8)
    buffers = visibility.studio(2 * size, shape.FACES, shape.VERTICES)
    photography.take(vehicles, lights, scenes, cameras, buffers, images, masks)
    return Photographs(images, masks, cameras, vehicles["kind"].copy())
