"""Stage cutouts: further single views with known cameras for the inverse graphics network (ours).

    python -m train.cycle --stages cutouts --cutouts.photographs photographs/

Procedural road vehicles, renderings of textured meshes, and photographs that a `photos.csv` labels.
Writes `images.npy` (uint8 [N, S, S, 4], RGB and mask) and `cameras.npz` (cameras f32 [N, 5], nan
where unlabelled; kinds int32 [N]: 0 rendered, 1 photographed).
"""

from pathlib import Path

import numpy as np

from graphics.camera import CAMERA_SIZE, DISTANCE
from train.config import Config
from train.data.array_file import ArrayFile
from train.data.cutouts import PHOTOGRAPHED, CutOutBatch
from train.data.labelled_photos import LabelledPhoto, read_labels
from train.data.photo_set import Photo, read_photos
from train.data.rendered_cutouts import procedural_vehicles, rendered_meshes
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace


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
        views = settings.views_per_mesh
        made += rendered_meshes(Path(settings.meshes), views, settings.size, config.seed)
    progress.tick(2)
    made += procedural_vehicles(settings.procedural, settings.size, config.seed)
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
