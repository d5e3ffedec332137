"""Stage multiview: images of content codes x viewpoints, with masks (paper 3.1).

Round 0 takes the annotated view codes of the unconditional GAN; later rounds sample cameras for the
camera-conditioned GAN. Writes the files that `train/data/multiview.py` reads, a contact
sheet (rows: objects, columns: views) and, for vehicles, both measures of the generator.
"""

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION
from train.annotation.table import FIRST_ELEVATION_DEGREES, read_viewpoints
from train.config import Config
from train.data.array_file import ArrayFile
from train.data.mask_filter import MaskLimits, Verdict, filter_masks
from train.data.multiview import asked_cameras, plan_views
from train.evaluation.gates import hulls_gate
from train.metrics.hull_agreement import hull_ious
from train.metrics.view_content_grid import GridMeasures, measure_grid
from train.models.attributes import load_attributes, read_attributes
from train.models.generated import as_pixels, generate, generate_grid, sample_contents
from train.models.generator import Generator
from train.models.segmenter import Segment, load_segmenter
from train.models.weights import load_generator
from train.pictures.grid import write_labelled_rows
from train.pose.estimators import labelled_range
from train.running.chunks import joined
from train.running.device import default_device
from train.running.gate import Gate, as_facts
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop, Workspace, WorkspaceError

BATCH = 64
FEWEST_VIEWS = 2  # objects left with fewer views after the filter are dropped
MEASURED_VIEWS, MEASURED_CONTENTS = 48, 48
"""As many as the benchmark of generators (`train.evaluate generator`)."""
SHEET_OBJECTS = 16
JUDGED_OBJECTS = 32
"""Of which a visual hull is carved for the gate."""


class Source(NamedTuple):
    """The generator and the codes of the images."""

    generator: Generator
    contents: Tensor  # [N, code]
    views: Tensor  # [K, code]
    cameras: np.ndarray
    """f32 [K, 5]: initial (round 0) or requested; elevation and distance nan where unlabelled."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Generate, segment and filter; goes on where a killed run stopped."""
    folder = workspace.stage("multiview", round)
    folder.start({**asdict(config.multiview), "seed": config.seed})
    source = _source(config, workspace, round)
    objects, viewpoints = plan_views(source.cameras, config.multiview, config.seed + round)
    progress = Progress(workspace, "multiview", 1, round)
    measured = {}
    if config.shows_vehicles:
        measures = _measure(workspace, source)
        progress.say(measures.line())
        measured = measures.facts()
    segment = load_segmenter(workspace.stage("segmenter").path, default_device())
    generation = _Generation(config, workspace, round, (objects, viewpoints))
    verdicts = generation.run(source, segment)
    kept = _kept(objects, verdicts)
    counts = {verdict.name.lower(): int((verdicts == verdict).sum()) for verdict in Verdict}
    counts["lonely"] = counts.pop("kept") - len(kept)
    progress.say(f"{len(kept)} of {len(objects)} images kept; dropped: {counts}")
    if len(kept) == 0:
        raise WorkspaceError(
            f"none of {len(objects)} generated images passed the filter ({counts}): train the "
            "GAN or the segmenter longer, or lower --multiview.smallest-mask"
        )
    generation.images.finish(kept)
    generation.masks.finish(kept)
    folder.save_arrays("index.npz", {"object": objects[kept], "viewpoint": viewpoints[kept]})
    codes = source.views.cpu().numpy()
    folder.save_arrays("viewpoints.npz", {"cameras": source.cameras, "codes": codes})
    folder.save_arrays("contents.npz", {"codes": source.contents.cpu().numpy()})
    _write_sheet(folder, objects[kept], viewpoints[kept], source.cameras)
    gates = _gates(folder, objects[kept], source.cameras[viewpoints[kept]]) if round else []
    folder.finish(
        gates=as_facts(gates),
        images=len(kept),
        objects=len(np.unique(objects[kept])),
        viewpoints=len(source.cameras),
        dropped=counts,
        **measured,
    )


def _source(config: Config, workspace: Workspace, round: int) -> Source:
    settings = config.multiview
    weights = workspace.stage("gan", round).require("generator.safetensors")
    generator = load_generator(weights).eval().to(default_device())
    # The seed of every round differs, or each would see the same objects again.
    rng = torch.Generator().manual_seed(config.seed * 1_000 + round)
    contents = sample_contents(generator, settings.objects, settings.truncation, rng)
    if generator.camera_mapping is not None:
        with np.load(workspace.stage("cameras", round).require("labels.npz")) as labels:
            labelled = labels["cameras"][labels["keep"]]
        ranges = labelled_range(labelled, ELEVATION), labelled_range(labelled, DISTANCE)
        cameras = asked_cameras(settings.cameras, config.seed + round, *ranges)
        with torch.no_grad():
            views = generator.camera_mapping(torch.from_numpy(cameras).to(default_device()))
        return Source(generator, contents, views, cameras)
    chosen = read_viewpoints(workspace.stage("viewpoints"))
    cameras = np.zeros((len(chosen.codes), CAMERA_SIZE), np.float32)
    cameras[:, AZIMUTH] = chosen.azimuth_bins
    cameras[:, ELEVATION] = FIRST_ELEVATION_DEGREES
    cameras[:, DISTANCE] = np.nan  # unlabelled
    return Source(generator, contents, torch.from_numpy(chosen.codes), cameras)


def _measure(workspace: Workspace, source: Source) -> GridMeasures:
    """Both measures on a full grid of some views and contents, before any filter."""
    around = np.argsort(source.cameras[:, AZIMUTH], kind="stable")
    ranks = np.linspace(0, len(around) - 1, min(MEASURED_VIEWS, len(around))).round()
    views = around[ranks.astype(np.int64)]
    contents = source.contents[:MEASURED_CONTENTS]
    weights = workspace.stage("viewpoints").require("attributes.safetensors")
    network = load_attributes(weights).to(default_device())
    grids = (generate_grid(source.generator, contents, code[None]) for code in source.views[views])
    readings = joined([read_attributes(network, images) for images in grids])
    requested = source.cameras[views, AZIMUTH]
    return measure_grid(readings.azimuths, readings.values(), len(views), requested)


class _Generation:
    """The long part: batches of images into files that a kill leaves usable."""

    def __init__(
        self,
        config: Config,
        workspace: Workspace,
        round: int,
        plan: tuple[np.ndarray, np.ndarray],
    ) -> None:
        self.folder = workspace.stage("multiview", round)
        self.objects, self.viewpoints = plan
        size, given = config.photographs.size, config.multiview
        self.limits = MaskLimits(given.smallest_mask, given.largest_border, given.second_instance)
        count = len(self.objects)
        self.images = ArrayFile(self.folder.file("images.npy"), (count, size, size, 3))
        self.masks = ArrayFile(self.folder.file("masks.npy"), (count, size, size))
        self.verdicts = np.zeros(count, np.int8)
        self.loop = StepLoop(self.folder, -(-count // BATCH), self._state)
        checkpoint = self.folder.load_checkpoint()
        if checkpoint is not None and self.images.resumed and self.masks.resumed:
            self.verdicts = checkpoint["verdicts"].numpy()
            self.loop.first = checkpoint["step"]
        self.progress = Progress(workspace, "multiview", self.loop.steps, round)

    def _state(self) -> dict[str, Any]:
        self.images.flush()
        self.masks.flush()
        return {"verdicts": torch.from_numpy(self.verdicts)}

    @torch.inference_mode()
    def run(self, source: Source, segment: Segment) -> np.ndarray:  # int8 [M]
        """Fill both files; returns the verdict on every image."""
        for step in self.loop:
            rows = slice(step * BATCH, min((step + 1) * BATCH, len(self.objects)))
            contents = source.contents[torch.from_numpy(self.objects[rows]).long()]
            views = source.views[torch.from_numpy(self.viewpoints[rows]).long()]
            pixels = as_pixels(generate(source.generator, contents, views))
            # The segmenter sees the bytes that are stored, as the service's will.
            found = segment(pixels.permute(0, 3, 1, 2).to(default_device()).float() / 255)
            masks = (found * 255).round().to(torch.uint8).cpu().numpy()
            filtered = filter_masks(masks, self.limits)
            self.images.rows[rows] = pixels.numpy()
            self.masks.rows[rows] = filtered.masks
            self.verdicts[rows] = filtered.verdicts
            so_far = self.verdicts[: rows.stop]
            self.progress.tick(step + 1, kept=(so_far == Verdict.KEPT).mean())
        return self.verdicts


def _gates(
    folder: StageFolder,
    objects: np.ndarray,  # [M]
    cameras: np.ndarray,  # [M, 5]
) -> list[Gate]:
    """Whether shapes explain the silhouettes at the cameras that the generator was given.

    A generator that knows no cameras makes another object for every view code: round 0 has none.
    """
    masks = np.load(folder.file("masks.npy"), mmap_mode="r")
    ious = hull_ious(masks, objects, cameras, JUDGED_OBJECTS)
    return [hulls_gate(ious)] if len(ious) else []


def _kept(objects: np.ndarray, verdicts: np.ndarray) -> np.ndarray:  # int64 [M']
    """Images that passed, of objects with at least two such images."""
    passed = verdicts == Verdict.KEPT
    views = np.bincount(objects[passed], minlength=int(objects.max()) + 1)
    return np.flatnonzero(passed & (views[objects] >= FEWEST_VIEWS))


def _write_sheet(
    folder: StageFolder, objects: np.ndarray, viewpoints: np.ndarray, cameras: np.ndarray
) -> None:
    """The first objects with their views in order of azimuth."""
    images = np.load(folder.file("images.npy"), mmap_mode="r")
    rows = {}
    for number in np.unique(objects)[:SHEET_OBJECTS]:
        own = np.flatnonzero(objects == number)
        own = own[np.argsort(cameras[viewpoints[own], AZIMUTH], kind="stable")]
        rows[str(number)] = images[own]
    write_labelled_rows(folder.file("contact_sheet.png"), rows)
