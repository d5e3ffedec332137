"""Cut-outs of rendered vehicles: textured meshes from files, and procedural road vehicles."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphics.camera import CAMERA_SIZE
from train.data.cutouts import RENDERED, CutOutBatch, cut_out
from train.data.mesh_objects import MeshObjects
from train.data.road_vehicles import photographs

AT_ONCE = 128  # procedural vehicles that a thread renders
PICTURE_SIDE = 160
"""Pixels of the pictures that are cut out of; an object takes about half of that."""


def rendered_meshes(folder: Path, views: int, size: int, seed: int) -> list[CutOutBatch]:
    """Views of every mesh, each in a light and before a scene of its own."""
    objects = MeshObjects(folder, "y", "+z", seed)
    made = []
    for number in range(views):
        pictures = objects.reseeded(seed * 10_000 + number).photographs(PICTURE_SIDE)
        made.append(_cut(pictures.images, pictures.masks, pictures.cameras, size))
    return made


def procedural_vehicles(count: int, size: int, seed: int) -> list[CutOutBatch]:
    """One view of each of so many road vehicles."""

    def make(start: int) -> CutOutBatch:
        numbers = np.arange(start, min(start + AT_ONCE, count))
        made = photographs(seed, numbers, PICTURE_SIDE)
        return _cut(made.images, made.masks, made.cameras, size)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        return list(threads.map(make, range(0, count, AT_ONCE)))


def _cut(
    images: NDArray[np.uint8], masks: NDArray[np.uint8], cameras: NDArray[np.float32], size: int
) -> CutOutBatch:
    squares = np.empty((len(images), size, size, 4), np.uint8)
    framed = np.empty((len(images), CAMERA_SIZE), np.float32)
    for number, views in enumerate(zip(images, masks, cameras, strict=True)):
        squares[number], framed[number] = cut_out(*views, size)
    return CutOutBatch(squares, framed, np.full(len(images), RENDERED, np.int32))
