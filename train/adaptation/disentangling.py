"""Trains a bundle's StyleGAN-R anew: views of a GAN, as the bundle itself reads them."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from train.adaptation.adapted_bundle import Adaptable, has_bundle, open_bundle, write_redrawn
from train.adaptation.renewing_options import Disentangle
from train.adaptation.views import gan_of, generated_views, settings_of
from train.data.codes import Codes, as_images, as_pixels, erase_object
from train.evaluation.predictors import BundlePredictor
from train.models.serving_graphs import StyleganRGraph, some_shifts
from train.models.stylegan_r import load_stylegan_r, save_stylegan_r
from train.models.weights import WeightsError
from train.running.device import default_device
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace
from train.stages.disentangle import Training, Views
from train.steps.disentangling import FrozenEncoder

EXAMPLES = 8
"""Inputs that the graph is compared with torch on."""
WEIGHTS = "stylegan_r.safetensors"


def renew(options: Disentangle) -> str:
    """Write the bundle with its new StyleGAN-R into `options.out`; returns its figures.

    Raises:
        CommandError: the bundle, the GAN or the weights to go on from cannot be used, or the folder
            holds the work of other options.
    """
    workspace = Workspace(options.out / "work", flag="--out")
    with workspace.lock():
        adaptable = open_bundle(options.bundle)
        manifest = adaptable.bundle.manifest
        gan = gan_of(options, manifest.category)
        folder = StageFolder(workspace.path)
        folder.start(settings_of(options, manifest.files, gan))
        if folder.done and has_bundle(options.out / "bundle"):
            return json.dumps(folder.facts(), indent=1)
        torch.manual_seed(options.seed)
        training = _training(options, workspace, gan, adaptable)
        training.run()
        save_stylegan_r(options.out / WEIGHTS, training.averaged.cpu())
        network = load_stylegan_r(options.out / WEIGHTS)
        graph = StyleganRGraph(network, manifest.resolution)
        examples = _examples(training.held_out, manifest.resolution)
        facts = {"stylegan_r": training.facts}
        write_redrawn(options.out / "bundle", adaptable.bundle, graph, examples, facts)
        folder.finish(**training.facts)
        return json.dumps(training.facts, indent=1)


def _training(
    options: Disentangle, workspace: Workspace, gan: Path, adaptable: Adaptable
) -> Training:
    reader = BundlePredictor(options.bundle)
    ranges = adaptable.bundle.manifest.camera_ranges or {}
    made = generated_views(options, workspace, gan, reader, ranges)
    network = adaptable.network.to(default_device())
    encoder = FrozenEncoder(partial(_segment, reader), network, reader.resolution)
    views = Views(
        _on(made.codes, default_device()), made.contents, made.generator,
        gan / "discriminator.safetensors", encoder,
    )  # fmt: skip
    training = Training(
        options,
        StageFolder(workspace.path),
        views,
        Progress(workspace, "disentangle", options.warmup_steps + options.steps),
        torch.Generator().manual_seed(options.seed * 1_000),
    )
    if options.begin is not None:
        _go_on(training, options.begin)
    return training


def _on(codes: Codes, device: torch.device) -> Codes:
    return Codes(*(field.to(device) for field in codes))


def _segment(reader: BundlePredictor, images: Tensor) -> Tensor:  # [B, 3, R, R] -> [B, R, R]
    pixels = as_pixels(images.detach()).permute(0, 2, 3, 1).cpu().numpy()
    return torch.from_numpy(reader.segment(pixels)).to(images)


def _go_on(training: Training, path: Path) -> None:
    try:
        training.go_on_from(load_stylegan_r(path))
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} is no StyleGAN-R of this version ({error}): leave --begin out"
        ) from error


def _examples(codes: Codes, side: int) -> dict[str, NDArray[Any]]:
    """What the graph takes, of views again and again where there are few."""
    some = codes.of(torch.arange(EXAMPLES) % len(codes.objects))
    erased = erase_object(as_images(some.images), some.masks.gt(127).float())
    factor = side // some.images.shape[-1]
    backgrounds = as_pixels(erased).permute(0, 2, 3, 1).cpu().numpy()
    return {
        "cameras": some.cameras.cpu().numpy(),
        "vertices": some.vertices.cpu().numpy(),
        "textures": np.ascontiguousarray(
            as_images(some.textures).permute(0, 2, 3, 1).cpu().numpy()
        ),
        "backgrounds": backgrounds.repeat(factor, axis=1).repeat(factor, axis=2),
        "shifts": some_shifts(EXAMPLES),
    }
