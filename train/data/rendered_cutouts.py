"""Cut-outs of rendered vehicles: textured meshes from files, and procedural road vehicles."""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphics.camera import CAMERA_SIZE, NOMINAL_DISTANCE
from train.data import road_vehicles, vehicles
from train.data.cutouts import RENDERED, CutOutBatch, CutOutSource, cut_out
from train.data.mesh_objects import MeshObjects

AT_ONCE = 128  # procedural cut-outs that a thread renders
VIEWS = 2
"""Cut-outs of each procedural vehicle."""
FARTHEST, HIGHEST = 6.2, 30.0
"""Distance and elevation in degrees that a plain vehicle is seen from at most."""
PICTURE_SIDE = 2.5
"""Side of the pictures that are cut out of, in sides of the cut-outs. An object takes about half of
it, and is made smaller: so edges are as smooth as those of photographs."""


def rendered_meshes(folder: Path, views: int, size: int, seed: int) -> CutOutSource:
    """Views of every mesh, each in a light and before a scene of its own.

    A mesh that cannot be read is named on stderr, with the reason.

    Raises:
        MeshFilesError: no folder, or no usable mesh in it.
    """
    objects = MeshObjects(folder, "y", "+z", seed)
    for name, reason in objects.skipped:
        print(f"{name} is left out: {reason}", file=sys.stderr)

    def batches() -> Iterator[CutOutBatch]:
        for number in range(views):
            pictures = objects.reseeded(seed * 10_000 + number).photographs(_picture_side(size))
            numbers = np.arange(len(objects.names))
            yield _cut(pictures.images, pictures.masks, pictures.cameras, numbers, size)

    return CutOutSource(views * len(objects.names), batches())


def procedural_vehicles(count: int, size: int, seed: int) -> CutOutSource:
    """So many cut-outs of road vehicles, `VIEWS` of each."""

    def make(numbers: NDArray[np.int64]) -> CutOutBatch:
        made = road_vehicles.photographs(seed, numbers, _picture_side(size), VIEWS)
        return _cut(made.images, made.masks, made.cameras, numbers // VIEWS, size)

    return _in_threads(count, make)


def plain_vehicles(count: int, size: int, seed: int) -> CutOutSource:
    """So many cut-outs of the plainer vehicles that the GANs are trained on, `VIEWS` of each."""

    def make(numbers: NDArray[np.int64]) -> CutOutBatch:
        cameras = np.zeros((len(numbers), CAMERA_SIZE), np.float32)
        generator = np.random.default_rng((seed, int(numbers[0])))
        low, high = (0, 0, NOMINAL_DISTANCE), (360, HIGHEST, FARTHEST)
        cameras[:, :3] = generator.uniform(low, high, (len(numbers), 3))
        made = vehicles.views(seed, numbers // VIEWS, cameras, _picture_side(size))
        return _cut(made.images, made.masks, made.cameras, numbers // VIEWS, size)

    return _in_threads(count, make)


def _picture_side(size: int) -> int:
    return round(PICTURE_SIDE * size)


def _in_threads(count: int, make: Callable[[NDArray[np.int64]], CutOutBatch]) -> CutOutSource:
    """`make` of the numbers from 0 to `count`, some at a time."""
    parts = np.split(np.arange(count), range(AT_ONCE, count, AT_ONCE))

    def batches() -> Iterator[CutOutBatch]:
        # Rendering lets go of the interpreter.
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            yield from threads.map(make, parts)

    return CutOutSource(count, batches())


def _cut(
    images: NDArray[np.uint8], masks: NDArray[np.uint8], cameras: NDArray[np.float32],
    objects: NDArray[np.int64], size: int,
) -> CutOutBatch:  # fmt: skip
    """Cut-outs of pictures; those that show nothing, a sheet from its edge, are left out."""
    shown = np.flatnonzero((masks > 127).any(axis=(1, 2)))
    squares = np.empty((len(shown), size, size, 4), np.uint8)
    framed = np.empty((len(shown), CAMERA_SIZE), np.float32)
    for row, number in enumerate(shown):
        squares[row], framed[row] = cut_out(images[number], masks[number], cameras[number], size)
    kinds = np.full(len(shown), RENDERED, np.int32)
    return CutOutBatch(squares, framed, kinds, objects[shown].astype(np.int32))
