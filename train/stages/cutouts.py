"""Stage cutouts: further single views with known cameras for the inverse graphics network (ours).

    python -m train.cycle --stages cutouts --cutouts.photographs photographs/

Procedural road vehicles, renderings of textured meshes, and photographs that a `photos.csv` labels.
Writes `images.npy` (uint8 [N, S, S, 4], RGB and mask) and `cameras.npz` (cameras f32 [N, 5], nan
where unlabelled; kinds int32 [N]: 0 rendered, 1 photographed; objects int32 [N]: those of one
number show one object). Where nothing is wanted, neither.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from train.config import Config
from train.data.cutouts import PHOTOGRAPHED, CutOutBatch, CutOutSource, write_cutouts
from train.data.labelled_photos import TABLE, LabelledPhoto, read_labels
from train.data.photo_set import Photo, read_photos
from train.data.picture_files import PhotographsError, Skipped, counted
from train.data.rendered_cutouts import procedural_vehicles, rendered_meshes
from train.running.progress import Progress
from train.running.workspace import Workspace

NO_MASK = "it has no mask, and no alpha channel that names the object"


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Write the cut-outs. A photograph or mesh that cannot be used is named, with the reason.

    Raises:
        CommandError: the table is wrong, or no photograph or no mesh of a folder can be used.
    """
    folder, settings = workspace.stage("cutouts"), config.cutouts
    folder.start({**asdict(settings), "seed": config.seed})
    if not settings.wanted:
        folder.finish(count=0, photographed=0, skipped=[])
        return
    sources: list[CutOutSource] = []
    left_out: list[Skipped] = []
    photographs = 0
    # What may be refused comes before what takes long.
    if settings.photographs:
        found = read_photographed(Path(settings.photographs), settings.size, settings.held_out)
        sources.append(CutOutSource(len(found[0].images), iter([found[0]])))
        left_out = found[1]
        photographs = len(found[0].images) + len(left_out)
    if settings.meshes:
        views = settings.views_per_mesh
        sources.append(rendered_meshes(Path(settings.meshes), views, settings.size, config.seed))
    if settings.procedural:
        sources.append(procedural_vehicles(settings.procedural, settings.size, config.seed))
    progress = Progress(workspace, "cutouts", sum(source.most for source in sources))
    skipped = [f"{name}: {reason}" for name, reason in left_out]
    for line in skipped:
        progress.say(f"skipped {line}")
    for line in counted(left_out, photographs):
        progress.say(line)
    kinds = write_cutouts(folder, sources, settings.size, progress.tick)
    photographed = int((kinds == PHOTOGRAPHED).sum())
    folder.finish(count=len(kinds), photographed=photographed, skipped=skipped)


def taught(labels: list[LabelledPhoto], held_out: int) -> list[LabelledPhoto]:
    """The rows that a training may see: all but every `held_out`-th, the first one among them."""
    return [row for number, row in enumerate(labels) if not held_out or number % held_out]


def read_photographed(folder: Path, size: int, held_out: int) -> tuple[CutOutBatch, list[Skipped]]:
    """Photographs that a table labels, each cut out by its mask, and which are left out and why.

    Raises:
        PhotographsError: the table is wrong, or none of them can be used.
    """
    labels = read_labels(folder)
    rows = taught(labels, held_out)
    if not rows:
        raise PhotographsError(
            f"{folder / TABLE} has {len(labels)} rows, and all are held out for measuring: label "
            "more, or give --cutouts.held-out 0"
        )
    photos = [
        Photo(
            row.path.name, row.path, row.mask, camera=(row.azimuth_degrees, row.elevation_degrees)
        )
        for row in rows
    ]
    found = read_photos(photos, size)
    unmasked = [name for name, known in zip(found.names, found.masked, strict=True) if not known]
    skipped = found.skipped + [Skipped(name, NO_MASK) for name in unmasked]
    if len(unmasked) == len(found.names):
        first = skipped[0]
        raise PhotographsError(
            f"{folder}: none of {len(rows)} labelled photographs can be used: {first.name} "
            f"({first.reason}); give their masks, of the same names, in masks/"
        )
    masks = np.rint(255 * found.masks).astype(np.uint8)
    images = np.concatenate((found.scenes, masks[..., None]), axis=-1)[found.masked]
    kinds = np.full(len(images), PHOTOGRAPHED, np.int32)
    numbers = np.arange(len(images), dtype=np.int32)
    return CutOutBatch(images, found.cameras[found.masked], kinds, numbers), skipped
