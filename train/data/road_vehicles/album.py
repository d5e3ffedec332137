"""Photographs of procedural road vehicles as arrays: every image a function of (seed, index)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from train.data.road_vehicles import compiled, photography, shape
from train.data.road_vehicles.light import LIGHT
from train.data.road_vehicles.vehicle import VEHICLE
from train.data.vehicles import visibility
from train.data.vehicles.album import checked
from train.data.vehicles.scene import SCENE


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


def photographs(seed: int, indices: ArrayLike, size: int = 64, per_vehicle: int = 1) -> Photographs:
    """Each photograph from its own random camera; so many that follow each other, from 0 on, are of
    one vehicle in one light.

    Azimuth 0..360 degrees, distance 4.9..6.2, offsets within 0.06, uniform. Elevation 0..15 degrees
    for one half, -2..30 for the other. Offsets push no vehicle out of its picture, but one in 26 is
    seen so close that an end of it is cut off. size: 8..1024 px. ValueError for another size, or
    for indices that are not integers [B] of 0 or more.
    """
    indices = checked(indices, size)
    count = len(indices)
    records = (np.zeros(count, VEHICLE), np.zeros(count, LIGHT), np.zeros(count, SCENE))
    cameras = np.empty((count, 5), np.float32)
    compiled.sample_records(seed, indices // per_vehicle, records)
    compiled.sample_cameras(seed, indices, cameras)
    images = np.empty((count, size, size, 3), np.uint8)
    masks = np.empty((count, size, size), np.uint8)
    buffers = visibility.studio(photography.SAMPLES * size, shape.FACES, shape.VERTICES)
    compiled.take(records, cameras, buffers, photography.desk(), (images, masks))
    return Photographs(images, masks, cameras, records[0]["kind"].copy())
