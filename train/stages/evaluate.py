"""Evaluate: the round's network on held-out procedural objects, beside two baselines.

There are such objects with ground truth of vehicles only. A network for anything else is measured
on photographs of the training, by what can be said without ground truth
(`train.evaluation.photo_benchmark`). Where they came with masks, those are taken that the segmenter
was not trained on, and it gets the objects before scenes.

    python -m train.cycle --stages evaluate

Writes `report.json`, `report.md`, `report.html`, `contact_sheet.png` and, with ground truth,
`objects.json` (every object's scores) and `azimuth_errors.png`. The report and
`train.evaluation.metrics` say what the metrics mean.
Two baselines stand beside: `mean_prediction`, the mean of the predicted training shapes at the
predicted camera, and `single_view`, the same network trained on single views, with ground truth in
the last round.
A run that was stopped measures again from the start, which takes less than a minute.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.config import PROCEDURAL, Config
from train.data.held_out import held_out
from train.data.masked_photographs import HELD_OUT_EVERY, MaskedPhotographs
from train.data.photo_set import PhotoSet, of_squares
from train.data.vehicles import HELD_OUT_SEED
from train.evaluation.benchmark import ConstantShape, Measured, Predictor, measure
from train.evaluation.gates import mean_prediction_gate
from train.evaluation.mean_prediction import mean_prediction_ious, mean_prediction_row
from train.evaluation.metrics import MEAN_PREDICTION
from train.evaluation.object_report import write_object_report
from train.evaluation.photo_benchmark import OfRun, measure_photos, write_photo_report
from train.evaluation.predictors import NetworkPredictor
from train.evaluation.renders import as_pixels, on_grey_softly
from train.evaluation.report import ReportRow
from train.models.segmenter import load_segmenter
from train.running.device import default_device
from train.running.gate import Gate, as_facts, gates_below
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace

OURS, SINGLE_VIEW = "inverse_graphics", "single_view"
"""Rows of the report."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Measure the network of this round."""
    folder = workspace.stage("evaluate", round)
    folder.start(config.evaluate)
    measured = _with_truth if config.shows_vehicles else _without_truth
    facts = measured(config, workspace, round)
    workspace.append("metric-evaluate.jsonl", {"round": round, **facts})
    folder.finish(**facts)


def _with_truth(config: Config, workspace: Workspace, round: int) -> dict[str, Any]:
    """Measure on held-out procedural objects; returns the facts of the stage."""
    settings = config.evaluate
    seed = HELD_OUT_SEED + settings.seed
    truth = held_out(settings.objects, settings.views, config.photographs.size, seed)
    rows: dict[str, Measured] = {}
    predictors = _predictors(config, workspace, round)
    progress = Progress(workspace, "evaluate", len(predictors), round)
    for name, predictor in predictors.items():
        rows[name] = measure(predictor, truth)
        means = {
            metric: getattr(rows[name].scores, metric).mean()
            for metric in ("iou2d_input", "iou2d_novel30", "iou3d_canonical")
        }
        progress.say(f"{name}: " + "  ".join(f"{key} {value:.3f}" for key, value in means.items()))
    about = {
        "preset": config.preset,
        "round": round,
        "held_out_seed": seed,
        "photographs": Path(config.photographs.source).name,  # not where they lie
    }
    if config.photographs.source != PROCEDURAL:
        about["note"] = (
            "the network was trained on other photographs than the procedural vehicles it is "
            "measured on"
        )
    ours, mean = (rows[name].scores.iou2d_novel30 for name in (OURS, MEAN_PREDICTION))
    gates = _gates(config, round, ours, mean, "silhouettes in new views")
    folder = workspace.stage("evaluate", round).path
    every = [*gates_below(workspace.path), *gates]
    report = write_object_report(folder, rows, truth, about, every)
    values = {name: _values(row) for name, row in report.rows.items()}
    return {
        "gates": as_facts(gates), "objects": settings.objects, **values.pop(OURS), **values,
    }  # fmt: skip


def _gates(
    config: Config,
    round: int,
    ours: NDArray[np.float64],
    mean: NDArray[np.float64],
    where: str,
) -> list[Gate]:
    """Whether the last round's network is better than its mean; earlier ones need not be yet."""
    return [mean_prediction_gate(ours, mean, where)] if round == config.rounds - 1 else []


def _without_truth(config: Config, workspace: Workspace, round: int) -> dict[str, Any]:
    """Measure on the training's own photographs; returns the facts of the stage."""
    photos = _own_photographs(workspace, config.evaluate.objects)
    networks = _networks(workspace, round)
    measured = measure_photos(networks, photos)
    with np.load(workspace.stage("inverse", round).require("mean.npz")) as arrays:
        mean = mean_prediction_ious(measured, arrays["vertices"], networks.template)
    gates = _gates(config, round, measured.scores.iou2d_rerender, mean, "re-rendered masks")
    about = {"preset": config.preset, "round": round, "category": config.export.category}
    about["note"] = "photographs of the training itself, without ground truth"
    if photos.masked.any() and workspace.stage("photographs").facts()["count"] >= HELD_OUT_EVERY:
        about["note"] += "; the segmenter was not trained on them, and gets them before scenes"
    folder = workspace.stage("evaluate", round).path
    every = [*gates_below(workspace.path), *gates]
    report = write_photo_report(
        folder, measured, photos, about, OURS, OfRun(mean_prediction_row(mean), every)
    )
    values = {name: _values(row) for name, row in report.rows.items()}
    metrics = values.pop(OURS)
    said = "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())
    Progress(workspace, "evaluate", 1, round).say(f"{len(photos.names)} photographs: {said}")
    return {"gates": as_facts(gates), "photographs": len(photos.names), **metrics, **values}


def _own_photographs(workspace: Workspace, most: int) -> PhotoSet:
    """At most so many of the run's photographs, spread over all that may be taken."""
    taken = workspace.stage("photographs")
    if taken.facts()["masks"]:
        own = MaskedPhotographs(taken)
        chosen = _spread(own.held_out if len(own.held_out) else own.training, most)
        masks = own.masks[chosen] / np.float32(255)
        images = own.images[chosen]
        photos = of_squares(as_pixels(on_grey_softly(images, masks)), masks, _names(taken, chosen))
        return photos._replace(scenes=own.scenes(chosen, HELD_OUT_SEED))
    images = np.load(taken.require("images.npy"), mmap_mode="r")
    chosen = _spread(np.arange(len(images)), most)
    return of_squares(images[chosen], None, _names(taken, chosen))


def _spread(numbers: NDArray[np.integer], most: int) -> NDArray[np.integer]:
    places = np.linspace(0, len(numbers) - 1, min(most, len(numbers))).round().astype(int)
    return numbers[np.unique(places)]


def _names(taken: StageFolder, chosen: NDArray[np.integer]) -> list[str]:
    """The file names of photographs, or their numbers where they were generated."""
    path = taken.path / "names.json"
    if not path.exists():
        return [f"photograph {number}" for number in chosen]
    names = json.loads(path.read_text())
    return [names[number] for number in chosen]


def _networks(workspace: Workspace, round: int) -> NetworkPredictor:
    """The networks that the round has trained."""
    segment = load_segmenter(workspace.stage("segmenter").path, default_device())
    weights = workspace.stage("inverse", round).require("inverse_graphics.safetensors")
    return NetworkPredictor(segment, weights)


def _predictors(config: Config, workspace: Workspace, round: int) -> dict[str, Predictor]:
    """What is measured, first, and the baselines."""
    inverse = workspace.stage("inverse", round)
    ours = _networks(workspace, round)
    with np.load(inverse.require("mean.npz"), allow_pickle=False) as mean:
        texture = mean["texture"].transpose(1, 2, 0)  # [3, Ht, Wt] -> [Ht, Wt, 3]
        predictors = {OURS: ours, MEAN_PREDICTION: ConstantShape(ours, mean["vertices"], texture)}
    # The inverse stage trains the single-view network in the last round only.
    if config.evaluate.single_view_baseline and round == config.rounds - 1:
        single = inverse.require("single_view/inverse_graphics.safetensors")
        predictors[SINGLE_VIEW] = NetworkPredictor(ours.segmenter, single)
    return predictors


def _values(row: ReportRow) -> dict[str, float]:
    return {name: round(estimate.value, 4) for name, estimate in row.metrics.items()}
