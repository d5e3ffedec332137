"""Stage viewpoints: view codes of the unconditional GAN that hold one viewpoint (paper 3.1).

Thousands of codes are scored under many content codes by two measures: how stable the viewpoint is
across contents, and how stable the object is across views; those that cover the azimuth circle
best are kept and annotated, by the attribute network or by a person. The network that measures
reads vehicles; of anything else the first codes are shown to the person as they come. Writes
`viewpoints.npz` (codes [K, D], azimuth_bins [K], stds, flip_rates, deviations: NaN where nothing
was measured), `viewpoints.csv`, `viewpoints.html` (the page on which a person fills that table in),
`contact_sheet.png`, `viewpoint_metrics.json` and, of vehicles, `attributes.safetensors` (the gauge,
used in every round).
"""

import json
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch

from train.config import PROCEDURAL, Config, ViewpointsConfig
from train.data.viewpoints import (
    BIN_DEGREES,
    BINS,
    PAGE,
    AnnotationNeeded,
    Measures,
    read_table,
    table_rows,
    write_table,
)
from train.data.viewpoints_page import write_page
from train.device import place
from train.generated import as_pixels, generate_grid, sample_contents
from train.labelled_sheet import write_labelled_sheet
from train.metrics.view_content_grid import GridMeasures, measure_grid
from train.models.attributes import (
    AttributeNetwork,
    AttributeReadings,
    load_attributes,
    read_attributes,
)
from train.models.generator import Generator
from train.models.weights import load_generator
from train.progress import Progress
from train.readers.gauge import gauge_errors, take_shipped_gauge, train_gauge
from train.workspace import StageFolder, StepLoop, Workspace, WorkspaceError, write_json

__all__ = ["AnnotationNeeded", "choose", "run"]

CODES_PER_STEP = 4
SHEET_CONTENTS = 8
SHEET_CODES = 288
"""Most rows of the contact sheet, and of the page, where no person has to annotate them."""
FEWEST = 2
"""Viewpoints without which there is no pair of views."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Score, choose and annotate viewpoint codes; goes on where a killed run stopped.

    Raises:
        AnnotationNeeded: viewpoints.csv waits for a person; run again when it is filled in.
    """
    folder = workspace.stage("viewpoints")
    settings = config.viewpoints
    size = config.photographs.size
    folder.start({**asdict(settings), "size": size, "seed": config.seed})
    gauge = _gauge(config, workspace, folder) if config.shows_vehicles else None
    table = folder.file("viewpoints.csv")
    if not table.exists():
        path = workspace.stage("gan", 0).require("generator.safetensors")
        generator = load_generator(path).eval().to(place())
        _choose_and_tabulate(config, workspace, generator, gauge)
    with np.load(folder.file("chosen.npz")) as arrays:
        chosen = dict(arrays)
    annotation = read_table(table, len(chosen["codes"]))
    keep = annotation.keep
    if keep.sum() < FEWEST:
        raise WorkspaceError(f"{table} keeps {keep.sum()} codes; at least {FEWEST} are needed")
    kept = {name: value[keep] for name, value in chosen.items()}
    folder.save_arrays("viewpoints.npz", {**kept, "azimuth_bins": annotation.bins[keep]})
    metrics = json.loads(folder.file("viewpoint_metrics.json").read_text())
    per_bin = {str(bin): int((annotation.bins[keep] == bin).sum()) for bin in BINS}
    folder.finish(
        **metrics, kept=int(keep.sum()), kept_per_bin=per_bin, annotator=_annotator(config)
    )


def _gauge(config: Config, workspace: Workspace, folder: StageFolder) -> AttributeNetwork:
    """The network that measures, taught first where it is not there yet."""
    weights = folder.file("attributes.safetensors")
    if not weights.exists() and config.viewpoints.classifier == "shipped":
        take_shipped_gauge(config.photographs.size, weights)
    elif not weights.exists():
        train_gauge(config, workspace, folder)
    return load_attributes(weights).to(place())


def _annotator(config: Config) -> str:
    """Who fills in the table: "classifier" or "person"."""
    if config.viewpoints.annotator != "auto":
        return config.viewpoints.annotator
    return "classifier" if config.photographs.source == PROCEDURAL else "person"


class _Choice(NamedTuple):
    """The codes to annotate."""

    indices: np.ndarray
    """int64 [K] of the candidates."""
    measures: Measures
    bins: np.ndarray | None
    """int32 [K] degrees, as the gauge reads them; None without one."""
    metrics: dict[str, Any]
    """For `viewpoint_metrics.json`."""


def _choose_and_tabulate(
    config: Config, workspace: Workspace, generator: Generator, gauge: AttributeNetwork | None
) -> None:
    """Everything up to viewpoints.csv, which is written last: where it is, all this is done."""
    folder, settings = workspace.stage("viewpoints"), config.viewpoints
    rng = torch.Generator().manual_seed(config.seed)
    codes = sample_contents(generator, settings.candidates, 1.0, rng)
    contents = sample_contents(generator, settings.contents, 1.0, rng)
    if gauge is None:
        choice = _first_codes(settings)
    else:
        readings = _score(workspace, folder, (generator, gauge), (codes, contents))
        choice = _measured_choice(readings, settings, Progress(workspace, "viewpoints", 1))
        choice.metrics["gauge_held_out"] = gauge_errors(gauge)
    chosen = choice.indices
    write_json(folder.file("viewpoint_metrics.json"), choice.metrics)
    arrays = {"codes": codes[chosen].cpu().numpy(), **choice.measures._asdict()}
    folder.save_arrays("chosen.npz", arrays)
    by_network = _annotator(config) == "classifier"
    rows = table_rows(choice.measures, choice.bins if by_network else None)
    # A person has to see every code; of those that the network annotates some are enough.
    shown = _spread(len(chosen), SHEET_CODES if by_network else len(chosen))
    images = _sheet_images(generator, codes[chosen[shown]], contents[:SHEET_CONTENTS])
    labels = [str(number) for number in shown]
    write_labelled_sheet(folder.file("contact_sheet.png"), images, labels, blocks=2)
    if len(shown) == len(chosen):
        write_page(folder.file(PAGE), workspace.path.resolve().name, arrays["codes"], rows, images)
    write_table(folder.file("viewpoints.csv"), rows)


def _first_codes(settings: ViewpointsConfig) -> _Choice:
    """As many codes as would be chosen, unmeasured: the person leaves out what is no viewpoint."""
    count = min(settings.candidates, settings.per_bin * len(BINS))
    unknown = np.full(count, np.nan, np.float32)
    return _Choice(np.arange(count), Measures(unknown, unknown, unknown), None, {})


def _measured_choice(
    readings: AttributeReadings, settings: ViewpointsConfig, progress: Progress
) -> _Choice:
    """The codes that `choose` takes, and what both measures say of all and of them."""
    measured = measure_grid(readings.azimuths, readings.values(), settings.candidates)
    chosen = choose(measured, settings)
    measures = Measures(
        measured.viewpoint.stds[chosen],
        measured.viewpoint.flip_rates[chosen],
        measured.deviations[chosen],
    )
    bins = nearest_bins(measured.viewpoint.centres[chosen])
    of_chosen = _rows(readings, chosen, settings.contents)
    again = measure_grid(of_chosen.azimuths, of_chosen.values(), len(chosen), bins)
    progress.say(f"{settings.candidates} candidates: {measured.line()}")
    progress.say(f"{len(chosen)} chosen: {again.line()}")
    empty = sorted(set(BINS) - set(bins.tolist()))
    if empty:
        progress.say(f"no code for azimuth bins {empty}: raise viewpoints.candidates")
    metrics = {"candidates": measured.facts(), "chosen": again.facts(), "empty_bins": empty}
    return _Choice(chosen, measures, bins, metrics)


def _spread(count: int, most: int) -> np.ndarray:  # int64, at most `most` of 0..count-1
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def nearest_bins(
    azimuths: np.ndarray,  # [K] degrees
) -> np.ndarray:  # int32 [K] degrees: 0, 30, ... 330
    """The 30-degree bin whose centre is nearest."""
    return (np.round(azimuths / BIN_DEGREES).astype(np.int32) * BIN_DEGREES) % 360


def choose(measured: GridMeasures, settings: ViewpointsConfig) -> np.ndarray:
    """Indices of the codes to keep, by bin and then best first.

    Raises:
        WorkspaceError: hardly any code holds its viewpoint.
    """
    stds = measured.viewpoint.stds
    weight = settings.object_weight
    score = (1 - weight) * stds / settings.largest_std_degrees + weight * measured.deviations
    bins = nearest_bins(measured.viewpoint.centres)
    steady = stds <= settings.largest_std_degrees
    chosen = []
    for centre in BINS:
        among = np.flatnonzero(steady & (bins == centre))
        chosen.append(among[np.argsort(score[among], kind="stable")[: settings.per_bin]])
    found = np.concatenate(chosen)
    if len(found) < FEWEST:
        raise WorkspaceError(
            f"{len(found)} of {len(stds)} view codes hold the azimuth to "
            f"{settings.largest_std_degrees:g}° (median {np.median(stds):.0f}°): train the GAN "
            "longer, or raise viewpoints.largest_std_degrees or viewpoints.candidates"
        )
    return found


def _rows(readings: AttributeReadings, views: np.ndarray, contents: int) -> AttributeReadings:
    """The readings of some of the views."""
    return AttributeReadings(
        *(value.reshape(-1, contents, *value.shape[1:])[views].reshape(-1, *value.shape[1:])
          for value in readings)
    )  # fmt: skip


def _score(
    workspace: Workspace,
    folder: StageFolder,
    networks: tuple[Generator, AttributeNetwork],
    pairs: tuple[torch.Tensor, torch.Tensor],
) -> AttributeReadings:
    """Read the attributes of every code under every content, the contents changing fastest."""
    (generator, network), (codes, contents) = networks, pairs
    parts = codes.split(CODES_PER_STEP)
    done: list[dict[str, torch.Tensor]] = []

    def state() -> dict[str, Any]:
        return {"scored": {name: torch.cat([d[name] for d in done]) for name in done[0]}}

    loop = StepLoop(folder, len(parts), state)
    checkpoint = folder.load_checkpoint()
    # The checkpoint may still be that of the attribute network's training.
    if checkpoint is not None and "scored" in checkpoint:
        done.append(checkpoint["scored"])
        loop.first = checkpoint["step"]
    progress = Progress(workspace, "viewpoints", len(parts))
    for step in loop:
        images = generate_grid(generator, contents, parts[step])
        readings = read_attributes(network, images)
        done.append({name: torch.from_numpy(v) for name, v in readings._asdict().items()})
        progress.tick(step + 1, codes=(step + 1) * CODES_PER_STEP)
    return AttributeReadings(**{name: value.numpy() for name, value in state()["scored"].items()})


def _sheet_images(
    generator: Generator,
    codes: torch.Tensor,  # [K, code]
    contents: torch.Tensor,  # [C, code]
) -> np.ndarray:  # uint8 [K, C, R, R, 3]
    """One row of images per code: what it makes of several contents."""
    pixels = as_pixels(generate_grid(generator, contents, codes)).numpy()
    return pixels.reshape(len(codes), len(contents), *pixels.shape[1:])
