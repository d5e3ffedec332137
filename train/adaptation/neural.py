"""Trains a bundle's neural renderer anew: views of a GAN, as the bundle itself reads them."""

import json
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from train.adaptation.adapted_bundle import has_bundle, open_any, write_redrawn
from train.adaptation.renewing_options import Neural
from train.adaptation.views import Ranges, gan_of, generated_views, settings_of
from train.data.codes import as_pixels as pixels_of
from train.data.painted_views import Buffers
from train.evaluation.predictors import BundlePredictor
from train.models.neural_renderer import (
    NeuralRenderer,
    load_neural_renderer,
    save_neural_renderer,
)
from train.models.serving_graphs import NeuralRendererGraph
from train.models.weights import WeightsError
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace
from train.stages.neural import PaintedCodes, Training

EXAMPLES = 8
"""Mixtures that the graph is compared with torch on."""
WEIGHTS = "neural_renderer.safetensors"


def renew(options: Neural) -> str:
    """Write the bundle with its new neural renderer into `options.out`; returns its figures.

    Raises:
        CommandError: the bundle, the GAN or the weights to go on from cannot be used, or the folder
            holds the work of other options.
    """
    workspace = Workspace(options.out / "work", flag="--out")
    with workspace.lock():
        bundle = open_any(options.bundle)
        gan = gan_of(options, bundle.manifest.category)
        folder = StageFolder(workspace.path)
        folder.start(settings_of(options, bundle.manifest.files, gan))
        if folder.done and has_bundle(options.out / "bundle"):
            return json.dumps(folder.facts(), indent=1)
        torch.manual_seed(options.seed)
        training = _training(options, workspace, gan, bundle.manifest.camera_ranges or {})
        training.run()
        save_neural_renderer(options.out / WEIGHTS, training.averaged.cpu())
        network = load_neural_renderer(options.out / WEIGHTS)
        examples = _examples(training.held_out.mixtures(EXAMPLES))
        graph = NeuralRendererGraph(network)
        write_redrawn(
            options.out / "bundle",
            bundle,
            graph,
            examples,
            {"neural": training.facts},
        )
        folder.finish(**training.facts)
        return json.dumps(training.facts, indent=1)


def _training(options: Neural, workspace: Workspace, gan: Path, ranges: Ranges) -> Training:
    reader = BundlePredictor(options.bundle)
    codes = generated_views(options, workspace, gan, reader, ranges).codes
    return Training(
        options,
        StageFolder(workspace.path),
        PaintedCodes(codes, reader.template),
        gan / "discriminator.safetensors",
        Progress(workspace, "neural", options.steps),
        torch.Generator().manual_seed(options.seed * 1_000),
        _begin(options.begin, codes.images.shape[-1]),
    )


def _begin(path: Path | None, side: int) -> NeuralRenderer | None:
    if path is None:
        return None
    try:
        network = load_neural_renderer(path).requires_grad_(True)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} is no neural renderer of this version ({error}): leave --begin out"
        ) from error
    if network.shape.size != side:
        raise WeightsError(
            f"{path} works at {network.shape.size} px, the GAN and the bundle at {side} px: leave "
            "--begin out"
        )
    return network


def _examples(given: Buffers) -> dict[str, NDArray[Any]]:
    """Layers as the graph takes them."""
    drawings, backgrounds = (one.permute(0, 2, 3, 1) for one in (given.drawings, given.backgrounds))
    return {
        "cameras": given.cameras.numpy(),
        "drawings": drawings.contiguous().numpy(),
        "backgrounds": pixels_of(backgrounds).contiguous().numpy(),
        "holes": given.holes[:, 0].numpy(),
    }
