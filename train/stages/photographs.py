"""Stage photographs: the single-view images that everything else is trained on.

Writes `images.npy` (uint8 [N, R, R, 3]). A folder also gives `names.json` (N file names), and where
all files have a mask or an alpha channel `masks.npy` (uint8 [N, R, R]) and `cut_outs.npy` (uint8
[N]: 1 where nothing is shown around the object, which is put on a ground of its own). An imported
StyleGAN2 can generate them: photograph i is then a function of (checkpoint, truncation, seed, i).
The ground truth of procedural photographs is not stored, for it is a function of (seed, index).
Only evaluation, the segmenter and the attribute classifier use it.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from graphics.frames import frame_around
from train.checkpoints.imported import load_checkpoint
from train.config import CHECKPOINT, PROCEDURAL, Config
from train.data.array_file import ArrayFile
from train.data.grounds import cut_outs, on_grounds
from train.data.photo_layouts import read_training
from train.data.photo_set import PhotoSet
from train.data.picture_files import Skipped, counted
from train.data.vehicles import photographs
from train.evaluation.gates import masks_gate, photographs_gate
from train.models.generated import as_pixels, generate, sample_contents
from train.running.device import default_device
from train.running.gate import as_facts
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop, Workspace, write_json

CHUNK = 512  # photographs that a thread renders at once: about half a second of work
CHUNKS_PER_CHECKPOINT = 8  # at least: one for every core
JUDGED = 2_000  # masks that the gate looks at
NEARLY_ALL = 0.9  # share of photographs with a mask from which on the others are left out
GENERATED_AT_ONCE = 64  # photographs generated from one state of the random numbers


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Write the photographs of the run; goes on where a killed run stopped."""
    folder = workspace.stage("photographs")
    settings = asdict(config.photographs)
    if not settings["masks"]:
        del settings["masks"]  # runs older than it go on
    if config.photographs.source == CHECKPOINT:
        _write_generated(config, workspace, folder)
        return
    del settings["truncation"]  # of no other source; runs older than it go on
    if config.photographs.source == PROCEDURAL:
        folder.start({**settings, "seed": config.seed})
        _write_procedural(config, workspace, folder)
    else:
        folder.start(settings)
        _write_folder(config, workspace, folder)


def _write_procedural(config: Config, workspace: Workspace, folder: StageFolder) -> None:
    count, size = config.photographs.count, config.photographs.size
    file = ArrayFile(folder.file("images.npy"), (count, size, size, 3))
    checkpoint = folder.load_checkpoint()
    first = checkpoint["written"] if checkpoint and file.resumed else 0
    progress = Progress(workspace, "photographs", count)
    cores = len(os.sched_getaffinity(0))

    def render(start: int) -> None:
        stop = min(start + CHUNK, count)
        file.rows[start:stop] = photographs(config.seed, np.arange(start, stop), size).images

    with ThreadPoolExecutor(cores) as threads:  # rendering lets go of the interpreter
        together = CHUNK * max(CHUNKS_PER_CHECKPOINT, cores)
        for start in range(first, count, together):
            stop = min(start + together, count)
            list(threads.map(render, range(start, stop, CHUNK)))
            file.flush()
            folder.save_checkpoint({"written": stop})
            progress.tick(stop)
    file.finish()
    folder.finish(count=count, size=size, source=PROCEDURAL, masks=False, skipped=[])


def _write_generated(config: Config, workspace: Workspace, folder: StageFolder) -> None:
    taken, settings = load_checkpoint(config), config.photographs
    given = {name: value for name, value in asdict(settings).items() if name != "masks"}
    folder.start({**given, "seed": config.seed, **taken.origin})
    generator = taken.generator.to(default_device())
    count, size = settings.count, settings.size
    file = ArrayFile(folder.file("images.npy"), (count, size, size, 3))

    def state() -> dict[str, int]:
        file.flush()
        return {}

    loop = StepLoop(folder, -(-count // GENERATED_AT_ONCE), state)
    if (checkpoint := folder.load_checkpoint()) is not None and file.resumed:
        loop.first = checkpoint["step"]
    progress = Progress(workspace, "photographs", count)
    for step in loop:
        rows = slice(step * GENERATED_AT_ONCE, min((step + 1) * GENERATED_AT_ONCE, count))
        rng = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        codes = sample_contents(generator, GENERATED_AT_ONCE, settings.truncation, rng)
        images = generate(generator, codes, codes)  # one code for view and content
        file.rows[rows] = as_pixels(images)[: rows.stop - rows.start].numpy()
        progress.tick(rows.stop)
    file.finish()
    origin = {"truncation": settings.truncation, "imported": taken.origin}
    folder.finish(count=count, size=size, source=CHECKPOINT, masks=False, skipped=[], **origin)


def _write_folder(config: Config, workspace: Workspace, folder: StageFolder) -> None:
    size = config.photographs.size
    masks = Path(config.photographs.masks) if config.photographs.masks else None
    found = with_masks_only(read_training(Path(config.photographs.source), size, masks))
    skipped = [f"{file.name}: {file.reason}" for file in found.skipped]
    progress = Progress(workspace, "photographs", len(found.images))
    for line in skipped:
        progress.say(f"skipped {line}")
    for line in counted(found.skipped, len(found.images) + len(found.skipped)):
        progress.say(line)
    for line in _notes(config, found):
        progress.say(line)
    cut = cut_outs(found.scenes, found.masks)
    arrays = {"images.npy": on_grounds(found.scenes, found.masks, cut, config.seed)}
    if found.masked.all():
        arrays["cut_outs.npy"] = cut.astype(np.uint8)
        arrays["masks.npy"] = np.rint(found.masks * 255).astype(np.uint8)
    for name, rows in arrays.items():
        file = ArrayFile(folder.file(name), rows.shape)
        file.rows[:] = rows
        file.finish()
    write_json(folder.file("names.json"), found.names)
    gates = [photographs_gate(found.scenes)]
    if found.masked.all():
        some = np.unique(np.linspace(0, len(found.masks) - 1, JUDGED).round().astype(int))
        whole = np.array([_shows_all(found, number) for number in some])
        gates.append(masks_gate(found.masks[some], "of the photographs", whole))
    folder.finish(
        gates=as_facts(gates),
        count=len(found.images),
        size=size,
        source=config.photographs.source,
        masks=bool(found.masked.all()),
        skipped=skipped,
    )


def _shows_all(found: PhotoSet, number: int) -> bool:
    """Whether the box of what a photograph was cut out by is all of it, to a fiftieth."""
    side = frame_around(0, 0, *found.sizes[number]).side
    return abs(found.frames[number].side - side) <= 0.02 * side


def with_masks_only(found: PhotoSet) -> PhotoSet:
    """Without the few photographs that bring no mask where nearly all others do; those are named
    among what is left out."""
    if found.masked.all() or found.masked.mean() < NEARLY_ALL:
        return found
    chosen = np.flatnonzero(found.masked)
    reason = "it brings no mask, and nearly all others do: give it an alpha channel or a mask"
    opaque = np.flatnonzero(~found.masked)
    left_out = [Skipped(found.names[number], reason) for number in opaque]
    return found.subset(chosen, found.skipped + left_out)


def _notes(config: Config, found: PhotoSet) -> Iterator[str]:
    """What somebody may not have meant."""
    count = len(found.images)
    opaque = [name for name, known in zip(found.names, found.masked, strict=True) if not known]
    if config.shows_vehicles:
        yield (
            f"taken for {config.export.category}: if they show something else, name it with "
            "--export.category"
        )
    if 0 < len(opaque) < count:
        yield (
            f"{len(opaque)} of {count} bring no mask (an alpha channel), so none is used: "
            f"{', '.join(opaque[:3])}{', …' if len(opaque) > 3 else ''}"
        )
