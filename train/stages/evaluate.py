"""Evaluate: the round's network on held-out procedural objects with truth, beside two floors.

    python -m train.cycle --stages evaluate

Writes `report.json`, `report.md`, `objects.json` (every object's scores), `contact_sheet.png` and
`azimuth_errors.png`; what the figures mean is said in `train.evaluation.figures` and in the report.
The floors: `mean_shape`, the mean of the predicted training shapes at the predicted camera, and,
in the last round, `single_view`, the same network trained on single views. A run that was stopped
measures again from the start, which takes less than a minute.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from graphics.mesh import Template
from train.config import PROCEDURAL, Config
from train.data.held_out import held_out
from train.data.vehicles import HELD_OUT_SEED
from train.device import place
from train.evaluation.instrument import ConstantShape, Measured, Predicted, Predictor, measure
from train.evaluation.report import Estimate, write_report
from train.models.inverse_graphics import load_inverse_graphics
from train.models.segmenter import Segment, load_segmenter
from train.models.serving_graphs import InverseGraphicsGraph, channels_first
from train.progress import Progress
from train.workspace import Workspace

OURS, MEAN_SHAPE, SINGLE_VIEW = "inverse_graphics", "mean_shape", "single_view"
"""Rows of the report."""


class NetworkPredictor:
    """A segmenter and an inverse graphics network, as the service would chain them, in float32."""

    def __init__(self, segment: Segment, weights: Path) -> None:
        self.device = place()
        network = load_inverse_graphics(weights)
        self.template: Template = network.template
        self.segment = segment
        self.graph = InverseGraphicsGraph(network).to(self.device).eval()

    @torch.no_grad()
    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """Read photographs [B, R, R, 3]."""
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        masks = self.segment(channels_first(pixels))
        return Predicted(*(value.cpu().numpy() for value in (masks, *self.graph(pixels, masks))))


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Measure the network of this round."""
    folder = workspace.stage("evaluate", round)
    folder.start(config.evaluate)
    settings = config.evaluate
    seed = HELD_OUT_SEED + settings.seed
    truth = held_out(settings.objects, settings.views, config.photographs.size, seed)
    rows: dict[str, Measured] = {}
    predictors = _predictors(config, workspace, round)
    progress = Progress(workspace, "evaluate", len(predictors), round)
    for name, predictor in predictors.items():
        rows[name] = measure(predictor, truth)
        means = {
            figure: getattr(rows[name].scores, figure).mean()
            for figure in ("iou2d_input", "iou2d_novel30", "iou3d_canonical")
        }
        progress.say(f"{name}: " + "  ".join(f"{key} {value:.3f}" for key, value in means.items()))
    about = {
        "preset": config.preset,
        "round": round,
        "held_out_seed": seed,
        "photographs": config.photographs.source,
    }
    if config.photographs.source != PROCEDURAL:
        about["note"] = (
            "the network was trained on other photographs than the procedural vehicles it is "
            "measured on"
        )
    figures = write_report(folder.path, rows, truth, about)
    ours, *floors = (_values(row) for row in figures.values())
    facts = {**ours, **dict(zip(list(figures)[1:], floors, strict=True))}
    workspace.append("metric-evaluate.jsonl", {"round": round, **facts})
    folder.finish(objects=settings.objects, **facts)


def _predictors(config: Config, workspace: Workspace, round: int) -> dict[str, Predictor]:
    """What is measured, first, and the floors."""
    inverse = workspace.stage("inverse", round)
    segment = load_segmenter(workspace.stage("segmenter").path, place())
    ours = NetworkPredictor(segment, inverse.require("inverse_graphics.safetensors"))
    with np.load(inverse.require("mean.npz"), allow_pickle=False) as mean:
        texture = mean["texture"].transpose(1, 2, 0)  # [3, Ht, Wt] -> [Ht, Wt, 3]
        predictors = {OURS: ours, MEAN_SHAPE: ConstantShape(ours, mean["vertices"], texture)}
    # The inverse stage trains the single-view network in the last round only.
    if config.evaluate.single_view_baseline and round == config.rounds - 1:
        single = inverse.require("single_view/inverse_graphics.safetensors")
        predictors[SINGLE_VIEW] = NetworkPredictor(segment, single)
    return predictors


def _values(figures: dict[str, Estimate]) -> dict[str, float]:
    return {name: round(estimate.value, 4) for name, estimate in figures.items()}
