"""Cut-outs of rendered vehicles: textured meshes from files, and procedural road vehicles."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphics.camera import CAMERA_SIZE
from train.data.cutouts import RENDERED, CutOutBatch, CutOutSource, cut_out
from train.data.mesh_objects import MeshObjects
from train.data.road_vehicles import photographs

AT_ONCE = 128  # procedural vehicles that a thread renders
PICTURE_SIDE = 160
"""Pixels of the pictures that are cut out of; an object takes about half of that."""


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
            pictures = objects.reseeded(seed * 10_000 + number).photographs(PICTURE_SIDE)
            yield _cut(pictures.images, pictures.masks, pictures.cameras, size)

    return CutOutSource(views * len(objects.names), batches())


def procedural_vehicles(count: int, size: int, seed: int) -> CutOutSource:
    """One view of each of so many road vehicles."""

    def make(start: int) -> CutOutBatch:
        numbers = np.arange(start, min(start + AT_ONCE, count))
        made = photographs(seed, numbers, PICTURE_SIDE)
        return _cut(made.images, made.masks, made.cameras, size)

    def batches() -> Iterator[CutOutBatch]:
        # Rendering lets go of the interpreter.
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            yield from threads.map(make, range(0, count, AT_ONCE))

    return CutOutSource(count, batches())


def _cut(
    images: NDArray[np.uint8], masks: NDArray[np.uint8], cameras: NDArray[np.float32], size: int
) -> CutOutBatch:
    """Cut-outs of pictures; those that show nothing, a sheet from its edge, are left out."""
    shown = np.flatnonzero((masks > 127).any(axis=(1, 2)))
    squares = np.empty((len(shown), size, size, 4), np.uint8)
    framed = np.empty((len(shown), CAMERA_SIZE), np.float32)
    for row, number in enumerate(shown):
        squares[row], framed[row] = cut_out(images[number], masks[number], cameras[number], size)
    return CutOutBatch(squares, framed, np.full(len(shown), RENDERED, np.int32))
