"""Stage photographs: the single-view images that everything else is trained on.

Writes `images.npy` (uint8 [N, R, R, 3]); a folder whose files all have an alpha channel also gives
`masks.npy` (uint8 [N, R, R]). The truth of procedural photographs is not stored: it is a function
of (seed, index), and only evaluation, the segmenter and the attribute network may ask for it.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from train.config import PROCEDURAL, Config
from train.data.array_file import ArrayFile
from train.data.photo_layouts import read_training
from train.data.vehicles import photographs
from train.progress import Progress
from train.workspace import StageFolder, Workspace

CHUNK = 512
"""Photographs drawn at once: about half a second of work, the most that a kill can lose."""
CHUNKS_PER_CHECKPOINT = 8


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Write the photographs of the run; goes on where a killed run stopped."""
    folder = workspace.stage("photographs")
    procedural = config.photographs.source == PROCEDURAL
    settings = asdict(config.photographs)
    folder.start({**settings, "seed": config.seed} if procedural else settings)
    if procedural:
        _write_procedural(config, workspace, folder)
    else:
        _write_folder(config, workspace, folder)


def _write_procedural(config: Config, workspace: Workspace, folder: StageFolder) -> None:
    count, size = config.photographs.count, config.photographs.size
    file = ArrayFile(folder.file("images.npy"), (count, size, size, 3))
    checkpoint = folder.load_checkpoint()
    first = checkpoint["written"] if checkpoint and file.resumed else 0
    progress = Progress(workspace, "photographs", count)
    for number, start in enumerate(range(first, count, CHUNK)):
        stop = min(start + CHUNK, count)
        file.rows[start:stop] = photographs(config.seed, np.arange(start, stop), size).images
        if (number + 1) % CHUNKS_PER_CHECKPOINT == 0:
            file.flush()
            folder.save_checkpoint({"written": stop})
        progress.tick(stop)
    file.finish()
    folder.finish(count=count, size=size, source=PROCEDURAL, masks=False, skipped=[])


def _write_folder(config: Config, workspace: Workspace, folder: StageFolder) -> None:
    size = config.photographs.size
    found = read_training(Path(config.photographs.source), size)
    skipped = [f"{file.name}: {file.reason}" for file in found.skipped]
    progress = Progress(workspace, "photographs", len(found.images))
    for line in skipped:
        progress.say(f"skipped {line}")
    for name, rows in (("images.npy", found.images), ("masks.npy", found.masks)):
        if rows is None:
            continue
        file = ArrayFile(folder.file(name), rows.shape)
        file.rows[:] = rows
        file.finish()
    folder.finish(
        count=len(found.images),
        size=size,
        source=config.photographs.source,
        masks=found.masks is not None,
        skipped=skipped,
    )
