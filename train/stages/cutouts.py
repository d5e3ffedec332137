"""Stage cutouts: further single views with known cameras for the inverse graphics network (ours).

    python -m train.cycle --stages cutouts --cutouts.photographs photographs/

Procedural road vehicles, renderings of textured meshes, and photographs that a `photos.csv` labels.
Writes `images.npy` (uint8 [N, S, S, 4], RGB and mask) and `cameras.npz` (cameras f32 [N, 5], nan
where unlabelled; kinds int32 [N]: 0 rendered, 1 photographed).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import CAMERA_SIZE, DISTANCE
from train.config import Config
from train.data.array_file import ArrayFile
from train.data.cutouts import PHOTOGRAPHED, RENDERED, cut_out
from train.data.labelled_photos import LabelledPhoto, read_labels
from train.data.mesh_objects import MeshObjects
from train.data.photo_set import Photo, read_photos
from train.data.road_vehicles import photographs
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace

AT_ONCE = 128  # procedural vehicles that a thread renders
PICTURE_SIDE = 160
"""Pixels of the pictures that are cut out of; an object takes about half of that."""


class CutOutBatch(NamedTuple):
    """N cut-outs."""

    images: NDArray[np.uint8]
    """[N, S, S, 4], the mask last."""
    cameras: NDArray[np.float32]
    """[N, 5], nan where unlabelled."""
    kinds: NDArray[np.int32]
    """[N]"""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Write the cut-outs."""
    folder, settings = workspace.stage("cutouts"), config.cutouts
    folder.start(settings)
    if not settings.wanted:
        folder.finish(count=0, photographed=0)
        return
    progress = Progress(workspace, "cutouts", 3)
    made: list[CutOutBatch] = []
    if settings.photographs:
        made.append(_photographed(Path(settings.photographs), settings.size, settings.held_out))
    progress.tick(1)
    if settings.meshes:
        made += _rendered(Path(settings.meshes), config)
    progress.tick(2)
    made += _procedural(config)
    progress.tick(3)
    _write(folder, made, settings.size)
    kinds = np.concatenate([np.empty(0, np.int32), *(batch.kinds for batch in made)])
    photographed = int((kinds == PHOTOGRAPHED).sum())
    folder.finish(count=len(kinds), photographed=photographed)


def taught(labels: list[LabelledPhoto], held_out: int) -> list[LabelledPhoto]:
    """The rows that a training may see: all but every `held_out`-th, the first one among them."""
    return [row for number, row in enumerate(labels) if not held_out or number % held_out]


def _photographed(folder: Path, size: int, held_out: int) -> CutOutBatch:
    """Photographs that a table labels, each cut out by its mask."""
    rows = taught(read_labels(folder), held_out)
    photos = [
        Photo(
            row.path.name, row.path, row.mask, camera=(row.azimuth_degrees, row.elevation_degrees)
        )
        for row in rows
    ]
    found = read_photos(photos, size)
    masks = np.rint(255 * found.masks).astype(np.uint8)
    images = np.concatenate((found.scenes, masks[..., None]), axis=-1)
    cameras = found.cameras.copy()
    cameras[:, DISTANCE:] = np.nan
    return CutOutBatch(images, cameras, np.full(len(images), PHOTOGRAPHED, np.int32))


def _rendered(folder: Path, config: Config) -> list[CutOutBatch]:
    """Views of every mesh, each in a light and before a scene of its own."""
    objects = MeshObjects(folder, "y", "+z", config.seed)
    made = []
    for number in range(config.cutouts.views_per_mesh):
        pictures = objects.reseeded(config.seed * 10_000 + number).photographs(PICTURE_SIDE)
        made.append(_cut(pictures.images, pictures.masks, pictures.cameras, config.cutouts.size))
    return made


def _procedural(config: Config) -> list[CutOutBatch]:
    count, size = config.cutouts.procedural, config.cutouts.size

    def make(start: int) -> CutOutBatch:
        numbers = np.arange(start, min(start + AT_ONCE, count))
        made = photographs(config.seed, numbers, PICTURE_SIDE)
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


def _write(folder: StageFolder, made: list[CutOutBatch], size: int) -> None:
    count = sum(len(batch.images) for batch in made)
    file = ArrayFile(folder.file("images.npy"), (count, size, size, 4))
    start = 0
    for batch in made:
        file.rows[start : start + len(batch.images)] = batch.images
        start += len(batch.images)
    cameras = [np.empty((0, CAMERA_SIZE), np.float32), *(batch.cameras for batch in made)]
    kinds = [np.empty(0, np.int32), *(batch.kinds for batch in made)]
    arrays = {"cameras": np.concatenate(cameras), "kinds": np.concatenate(kinds)}
    folder.save_arrays("cameras.npz", arrays)
    file.finish()
