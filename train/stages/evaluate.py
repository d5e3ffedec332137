"""Evaluate: the round's network on held-out procedural objects, beside two baselines.

There are such objects with ground truth of vehicles only. A network for anything else is
measured on photographs that it was trained on, by what can be said without ground truth
(`train.evaluation.photo_benchmark`).

    python -m train.cycle --stages evaluate

Writes `report.json`, `report.md`, `report.html`, `contact_sheet.png` and, with ground truth,
`objects.json` (every object's scores) and `azimuth_errors.png`. The report and
`train.evaluation.metrics` say what the metrics mean.
Two baselines stand beside: `mean_prediction`, the mean of the predicted training shapes at the
predicted camera, and, in the last round, `single_view`, the same network trained on single views.
A run that was stopped measures again from the start, which takes less than a minute.
"""

from pathlib import Path
from typing import Any

import numpy as np

from train.config import PROCEDURAL, Config
from train.data.held_out import held_out
from train.data.photo_set import PhotoSet, of_squares
from train.data.vehicles import HELD_OUT_SEED
from train.evaluation.benchmark import ConstantShape, Measured, Predictor, measure
from train.evaluation.metrics import MEAN_PREDICTION
from train.evaluation.object_report import write_object_report
from train.evaluation.photo_benchmark import measure_photos, write_photo_report
from train.evaluation.predictors import NetworkPredictor
from train.evaluation.report import ReportRow
from train.models.segmenter import load_segmenter
from train.running.device import default_device
from train.running.progress import Progress
from train.running.workspace import Workspace

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
    report = write_object_report(workspace.stage("evaluate", round).path, rows, truth, about)
    values = {name: _values(row) for name, row in report.rows.items()}
    return {"objects": settings.objects, **values.pop(OURS), **values}


def _without_truth(config: Config, workspace: Workspace, round: int) -> dict[str, Any]:
    """Measure on the training's own photographs; returns the facts of the stage."""
    photos = _own_photographs(workspace, config.evaluate.objects)
    measured = measure_photos(_networks(workspace, round), photos)
    about = {"preset": config.preset, "round": round, "category": config.export.category}
    about["note"] = "photographs of the training itself, without ground truth"
    folder = workspace.stage("evaluate", round).path
    metrics = _values(write_photo_report(folder, measured, photos, about, OURS).rows[OURS])
    said = "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())
    Progress(workspace, "evaluate", 1, round).say(f"{len(photos.names)} photographs: {said}")
    return {"photographs": len(photos.names), **metrics}


def _own_photographs(workspace: Workspace, most: int) -> PhotoSet:
    """At most so many of the run's photographs, spread over all."""
    taken = workspace.stage("photographs")
    images = np.load(taken.require("images.npy"), mmap_mode="r")
    chosen = np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int))
    masks = None
    if taken.facts()["masks"]:
        masks = np.load(taken.require("masks.npy"), mmap_mode="r")[chosen] / np.float32(255)
    return of_squares(images[chosen], masks, [f"photograph {number}" for number in chosen])


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
