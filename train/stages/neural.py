"""Neural: trains the renderer that makes photographs of the graphics renderer's layers (ours).

    python -m train.cycle --stages neural

An object is taken from one view of the GAN, with its texture painted as the service paints it, and
drawn at the camera of another view before the first one's filled background. The network learns to
give the other view; no ground truth is needed. With an adversary, mixtures of four images have to
pass for views of the GAN too. Its weights are averaged over the last steps.

Only the last round has this stage. Leaves `neural_renderer.safetensors`, and a picture of held-out
objects, rows = objects, columns = filled background | drawn by the mesh alone | by the network |
true view. Of vehicles also the report of `train.evaluate disentangled` on 64 held-out ones.
"""

import copy
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphics.mesh import Template
from train.config import Config, NeuralConfig
from train.data.codes import Codes, as_pixels
from train.data.multiview import MultiviewData
from train.data.painted_views import PaintedViews
from train.evaluation.disentangled_network import measure_neural
from train.models.discriminator import Discriminator
from train.models.inverse_graphics import load_inverse_graphics, resized
from train.models.neural_renderer import (
    NeuralRenderer,
    NeuralRendererShape,
    load_neural_renderer,
    save_neural_renderer,
)
from train.models.perceptual import DiscriminatorFeatures
from train.models.segmenter import load_segmenter
from train.models.weights import load_discriminator, load_generator
from train.pictures.grid import write_labelled_rows
from train.running.device import Device, default_device
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop, Workspace, round_to
from train.steps.disentangling import FrozenEncoder, Step, read_codes
from train.steps.neural_rendering import adversary_step, rendering_step

HELD_OUT_EVERY = 16  # one object of so many is kept out of the training, for metrics and pictures
METRIC_SEED, METRIC_PAIRS, SHEET_OBJECTS = 7, 64, 8
AVERAGED_STEPS = 100
"""About so many last steps are averaged."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the neural renderer of `round`."""
    folder = workspace.stage("neural", round)
    folder.start(config.neural)
    torch.manual_seed(config.seed + round)
    training = training_of(config, workspace, round)
    training.run()
    path = folder.file("neural_renderer.safetensors")
    save_neural_renderer(path, training.averaged.cpu())
    facts = training.facts
    if config.shows_vehicles:
        segment = load_segmenter(workspace.stage("segmenter").path, default_device())
        inverse = workspace.stage("inverse", round).require("inverse_graphics.safetensors")
        size = config.photographs.size
        facts["renderers"] = measure_neural(
            load_neural_renderer(path), segment, inverse, size, folder.path
        )
    folder.finish(**facts)


def training_of(config: Config, workspace: Workspace, round: int) -> "Training":
    """The training of `round`, on the run's own views as its network reads them."""
    device = default_device()
    random = torch.Generator().manual_seed(config.seed * 1_000 + round)
    gan, settings = workspace.stage("gan", round), config.neural
    path = workspace.stage("inverse", round).require("inverse_graphics.safetensors")
    inverse = load_inverse_graphics(path).to(device)
    segment = load_segmenter(workspace.stage("segmenter").path, device)
    data = MultiviewData(workspace.stage("multiview", round).path)
    with np.load(path.with_name("cameras.npz"), allow_pickle=False) as arrays:
        cameras = torch.from_numpy(arrays["cameras"]).to(device)
    generator = load_generator(gan.require("generator.safetensors")).to(device)
    encoder = FrozenEncoder(segment, inverse)
    codes = read_codes(data, cameras, generator, encoder, settings.images, random)
    # Service and training draw multiples of what both have.
    side = min(config.photographs.size, inverse.shape.size)
    pixels = {"images": _at_side(codes.images, side), "masks": _at_side(codes.masks, side)}
    return Training(
        settings,
        workspace.stage("neural", round),
        PaintedCodes(codes._replace(**pixels), inverse.template),
        gan.require("discriminator.safetensors"),
        Progress(workspace, "neural", settings.steps, round),
        random,
    )


def _at_side(pixels: Tensor, side: int) -> Tensor:  # uint8 [M, (C,) R, R] -> [M, (C,) side, side]
    if pixels.shape[-1] == side:
        return pixels
    whole = pixels if pixels.ndim == 4 else pixels[:, None]
    parts = [as_pixels(resized(part.float() / 255, side)) for part in whole.split(64)]
    return torch.cat(parts).reshape(*pixels.shape[:-2], side, side)


class PaintedCodes(NamedTuple):
    """Views of objects, and the template that their vertices belong to."""

    codes: Codes
    """Of the side in pixels that the U-Nets shall work at; textures as they were predicted."""
    template: Template


class Training:
    """The network, its training set, one step, and its checkpoints."""

    def __init__(  # noqa: PLR0913
        self,
        settings: NeuralConfig,
        folder: StageFolder,
        views: PaintedCodes,
        discriminator: Path,  # of the GAN that generated the views
        progress: Progress,
        random: torch.Generator,
        begin: NeuralRenderer | None = None,  # a network to go on from
    ) -> None:
        self.settings, self.folder, self.progress = settings, folder, progress
        self.device, self.random = Device(), random
        codes, template = views
        self.facts: dict[str, Any] = {"images": len(codes.objects)}
        self.side = codes.images.shape[-1]
        held_out = torch.isin(codes.objects, codes.objects.unique()[::HELD_OUT_EVERY])
        self.views = PaintedViews(codes.of(~held_out), template, self.random)
        seed = torch.Generator().manual_seed(METRIC_SEED)
        self.held_out = PaintedViews(codes.of(held_out), template, seed)
        self.network = begin or NeuralRenderer(NeuralRendererShape(self.side, settings.width))
        self.network = self.network.to(self.device.device).train()
        self.averaged = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.features = DiscriminatorFeatures(discriminator).to(self.device.device)
        self.adversary: Discriminator | None = None
        if settings.adversary_weight:
            self.adversary = load_discriminator(discriminator).to(self.device.device).train()
        self.optimizers = self._optimizers()

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        settings = self.settings
        made = {"network": _adam(self.network, settings.learning_rate, 0.9)}
        if self.adversary is not None:
            made["adversary"] = _adam(self.adversary, settings.adversary_learning_rate, 0.0)
        return made

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        adversary = None if self.adversary is None else self.adversary.state_dict()
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "adversary": adversary,
            "optimizers": {name: one.state_dict() for name, one in self.optimizers.items()},
            "random": self.random.get_state(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up a checkpoint of `state`."""
        self.network.load_state_dict(saved["network"])
        self.averaged.load_state_dict(saved["averaged"])
        if self.adversary is not None:
            self.adversary.load_state_dict(saved["adversary"])
        for name, one in self.optimizers.items():
            one.load_state_dict(saved["optimizers"][name])
        self.random.set_state(saved["random"])

    def run(self) -> None:
        """All steps, from the newest checkpoint where there is one."""
        loop = StepLoop(self.folder, self.settings.steps, self.state)
        loop.resume(self.restore)
        for step in loop:
            taken = self._step(step)
            self.progress.tick(step + 1, loss=taken.loss, **taken.terms)
        self._measure()

    def _step(self, step: int) -> Step:
        terms: dict[str, Tensor] = {}
        if self.adversary is not None:
            self.adversary.requires_grad_(True)
            judged = adversary_step(self.adversary, self.network, self.views, self.settings)
            _descend(self.optimizers["adversary"], judged.loss)
            self.adversary.requires_grad_(False)
            terms = {f"adversary_{name}": value for name, value in judged.terms.items()}
        done = step / self.settings.steps
        for group in self.optimizers["network"].param_groups:
            group["lr"] = self.settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))
        taken = rendering_step(
            self.network, self.features, self.views, self.adversary, self.settings
        )
        _descend(self.optimizers["network"], taken.loss)
        # The first steps are forgotten sooner.
        kept = min(1 - 1 / AVERAGED_STEPS, (step + 1) / (step + 10))
        with torch.no_grad():
            pairs = zip(self.averaged.parameters(), self.network.parameters(), strict=True)
            for mean, parameter in pairs:
                mean.lerp_(parameter, 1 - kept)
        terms |= taken.terms
        return Step(taken.loss.detach(), {key: value.detach() for key, value in terms.items()})

    @torch.no_grad()
    def _measure(self) -> None:
        """The error on held-out objects beside that of the mesh alone, and their picture."""
        given, wanted = self.held_out.pairs(METRIC_PAIRS)
        images = self.averaged(*given.to(self.device.device)).cpu()
        alphas = given.drawings[:, 3:]
        meshes = given.drawings[:, :3] + (1 - alphas) * given.backgrounds
        for name, made in (("neural", images), ("graphics", meshes)):
            self.facts[f"{name}_error"] = round_to(float((made - wanted).abs().mean()))
        columns = [given.backgrounds, meshes, images, wanted]
        pixels = [as_pixels(column).permute(0, 2, 3, 1).numpy() for column in columns]
        rows = {str(n): [one[n] for one in pixels] for n in range(SHEET_OBJECTS)}
        write_labelled_rows(self.folder.file("images.png"), rows)


def _adam(network: torch.nn.Module, rate: float, momentum: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), lr=rate, betas=(momentum, 0.99))


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
