"""Disentangle (paper 3.3): trains the GAN to tell camera, shape, texture and background apart.

    python -m train.cycle --stages disentangle

Warm-up (eq. 5): mapping networks and selectors learn the style vectors that made the multi-view
images, the generator frozen. Fine-tuning (eq. 6) trains generator and mapping networks together.
Ours:

- The camera is often that of another view than shape, texture and background; the true style of
  that pair is known too. Otherwise g_b could infer the camera from the hole in the background.
- Textures are painted from the images, as the service paints them.
- Half the images of a fine-tuning step keep to their true image. The others mix four images, and
  keep to what the graphics renderer draws of their object, and to the photograph around it. That
  takes the place of equation 6, which `--disentangle.shape-weight` and its siblings bring back.
- A discriminator that goes on from the GAN's judges all of them.

Leaves `stylegan_r.safetensors` and pictures, rows = objects, columns = input | its own codes | six
azimuths | another one's texture | another one's background. Of vehicles also the report of
`train.evaluate disentangled` on 64 held-out ones, which stage export takes into the manifest.
"""

import copy
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from train.config import Config, DisentangleConfig
from train.data.codes import Codes, CodeSampler
from train.data.multiview import MultiviewData
from train.data.painted_views import painted_textures
from train.evaluation import stylegan_r_metrics as metrics
from train.evaluation.disentangled_network import measure_network
from train.models import stylegan_r
from train.models.generator import Generator
from train.models.inverse_graphics import load_inverse_graphics
from train.models.perceptual import DiscriminatorFeatures
from train.models.segmenter import load_segmenter
from train.models.weights import load_discriminator, load_generator
from train.running.device import Device, default_device
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop, Workspace
from train.steps.disentangling import FrozenEncoder, Step, read_codes, warm_up_step
from train.steps.fine_tuning import References, adversary_step, fine_tuning_step

HELD_OUT_EVERY = 16  # one object of so many is kept out of the training, for metrics and pictures
SELECTORS_FASTER = 10.0
AVERAGED_STEPS = 50
METRIC_SEED = 7  # seed of the samples that are measured


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the mapping networks, then all of StyleGAN-R.

    They go on from the previous round's where the generator does (`--gan.warm-start`)."""
    folder = workspace.stage("disentangle", round)
    folder.start(config.disentangle)
    torch.manual_seed(config.seed + round)
    training = training_of(config, workspace, round)
    training.run()
    stylegan_r.save_stylegan_r(folder.file("stylegan_r.safetensors"), training.averaged.cpu())
    if config.shows_vehicles:
        training.facts["renderers"] = _measure_renderers(config, workspace, round)
    folder.finish(**training.facts)


def _measure_renderers(config: Config, workspace: Workspace, round: int) -> dict[str, Any]:
    """What StyleGAN-R, as it was saved, and the graphics renderer keep of held-out vehicles."""
    folder = workspace.stage("disentangle", round)
    network = stylegan_r.load_stylegan_r(folder.path / "stylegan_r.safetensors")
    segment = load_segmenter(workspace.stage("segmenter").path, default_device())
    inverse = workspace.stage("inverse", round).require("inverse_graphics.safetensors")
    return measure_network(network, segment, inverse, config.photographs.size, folder.path)


class Views(NamedTuple):
    """What StyleGAN-R is trained on."""

    codes: Codes
    """Textures as they were predicted; images and masks of the generator's side."""
    contents: Tensor
    """[K, C] content codes of the generator, at least of the views' objects."""
    generator: Generator
    discriminator: Path
    """Weights of the one that the generator was trained against."""
    encoder: FrozenEncoder
    """Reads images of that side."""


def training_of(config: Config, workspace: Workspace, round: int) -> "Training":
    """The training of `round`, on the run's own views as its network reads them."""
    device, gan = default_device(), workspace.stage("gan", round)
    random = torch.Generator().manual_seed(config.seed * 1_000 + round)
    path = workspace.stage("inverse", round).require("inverse_graphics.safetensors")
    inverse = load_inverse_graphics(path).to(device)
    segment = load_segmenter(workspace.stage("segmenter").path, device)
    encoder = FrozenEncoder(segment, inverse)
    generator = load_generator(gan.require("generator.safetensors")).to(device)
    data = MultiviewData(workspace.stage("multiview", round).path)
    with np.load(path.with_name("cameras.npz"), allow_pickle=False) as arrays:
        cameras = torch.from_numpy(arrays["cameras"]).to(device)
    settings = config.disentangle
    codes = read_codes(data, cameras, generator, encoder, settings.images, random)
    contents = torch.from_numpy(data.content_codes).to(device)
    discriminator = gan.require("discriminator.safetensors")
    views = Views(codes, contents, generator, discriminator, encoder)
    progress = Progress(workspace, "disentangle", settings.warmup_steps + settings.steps, round)
    begin = None
    # What says nothing of this generator's styles is worse than nothing: the selectors keep
    # nearly all owners that they begin with.
    if config.gan.continues(round):
        previous = workspace.stage("disentangle", round - 1).require("stylegan_r.safetensors")
        begin = stylegan_r.load_stylegan_r(previous)
    return Training(settings, workspace.stage("disentangle", round), views, progress, random, begin)


class Training:
    """StyleGAN-R, its training set, one step of either phase, and its checkpoints."""

    def __init__(
        self,
        settings: DisentangleConfig,
        folder: StageFolder,
        views: Views,
        progress: Progress,
        random: torch.Generator,
        begin: stylegan_r.StyleganR | None = None,  # whose mappings to go on from
    ) -> None:
        self.settings, self.folder, self.progress = settings, folder, progress
        self.device, self.random, self.encoder = Device(), random, views.encoder
        template = views.encoder.inverse.template
        painted = torch.from_numpy(painted_textures(views.codes, template)).permute(0, 3, 1, 2)
        codes = views.codes._replace(textures=painted.to(self.device.device))
        held_out = torch.isin(codes.objects, codes.objects.unique()[::HELD_OUT_EVERY])
        self.sampler = CodeSampler(codes.of(~held_out), self.random)
        self.held_out = codes.of(held_out)
        shape = stylegan_r.StyleganRShape(
            vertices=codes.vertices.shape[1],
            texture_size=codes.textures.shape[2],
            size=codes.images.shape[-1],
        )
        self.network = stylegan_r.StyleganR(views.generator, shape).to(self.device.device)
        # What codes mean stays as it is.
        for part in (views.generator.mapping, views.generator.affines):
            part.requires_grad_(False)
        if views.generator.camera_mapping is not None:
            views.generator.camera_mapping.requires_grad_(False)
        self.network.calibrate(views.contents, codes.styles, codes.vertices)
        taken = [] if begin is None else stylegan_r.continue_mappings(self.network, begin)
        self.facts: dict[str, Any] = {"images": len(codes.objects), "continued_tensors": len(taken)}
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        features = DiscriminatorFeatures(views.discriminator).to(self.device.device)
        adversary = None
        if settings.adversary_weight:
            adversary = load_discriminator(views.discriminator).to(self.device.device)
            self.against = torch.optim.Adam(
                adversary.parameters(), settings.adversary_learning_rate, (0.0, 0.99), fused=True
            )
        background = copy.deepcopy(self.network.background_mapping).requires_grad_(False)
        self.references = References(views.encoder, background, template, features, adversary)
        self.optimizer = self._optimizer(warm_up=True)

    def go_on_from(self, renderer: stylegan_r.StyleganR) -> None:
        """Take up all of a renderer, its generator too, and not only its mappings.

        Raises:
            RuntimeError: its tensors have other names or shapes.
        """
        for network in (self.network, self.averaged):
            network.load_state_dict(renderer.state_dict())
        self.facts["continued_tensors"] = len(renderer.state_dict())

    def _optimizer(self, warm_up: bool) -> torch.optim.Optimizer:
        """Adam of either phase; `faster` multiplies a group's learning rate."""
        network = self.network
        selectors = network.selector_logits
        weights = [one for one in network.mapping_parameters() if one is not selectors]
        if not warm_up:
            weights += [*network.generator.blocks.parameters(), network.generator.constant]
        groups = [
            {"params": weights, "faster": 1.0},
            # Logits have to go far where Adam moves everything by the same small step.
            {"params": [selectors], "faster": SELECTORS_FASTER},
        ]
        return torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        adversary = self.references.adversary
        return {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "background_encoder": self.references.background_encoder.state_dict(),
            "adversary": adversary and (adversary.state_dict(), self.against.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.get_state(),
            "facts": self.facts,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up a checkpoint of `state`."""
        self.optimizer = self._optimizer(warm_up=saved["step"] <= self.settings.warmup_steps)
        self.network.load_state_dict(saved["network"])
        self.averaged.load_state_dict(saved["averaged"])
        self.references.background_encoder.load_state_dict(saved["background_encoder"])
        if self.references.adversary is not None:
            weights, optimizer = saved["adversary"]
            self.references.adversary.load_state_dict(weights)
            self.against.load_state_dict(optimizer)
        self.optimizer.load_state_dict(saved["optimizer"])
        self.random.set_state(saved["random"])
        self.facts = saved["facts"]

    def run(self) -> None:
        """Both phases, from the newest checkpoint where there is one."""
        settings = self.settings
        loop = StepLoop(self.folder, settings.warmup_steps + settings.steps, self.state)
        loop.resume(self.restore)
        for step in loop:
            if step == settings.warmup_steps:
                self._end_warm_up()
            taken = self._step(step)
            self.progress.tick(step + 1, loss=taken.loss, **taken.terms)
        if settings.steps == 0:  # no step follows the warm-up, to find it at its end
            self._end_warm_up()
        self._measure("after_fine_tuning")

    def _end_warm_up(self) -> None:
        network = self.network
        self.references.background_encoder.load_state_dict(network.background_mapping.state_dict())
        self.averaged.load_state_dict(network.state_dict())
        self.optimizer = self._optimizer(warm_up=False)
        self._measure("after_warm_up")

    def _measure(self, name: str) -> None:
        """Metrics and pictures of held-out objects, with the same samples every time."""
        sampler = CodeSampler(self.held_out, torch.Generator().manual_seed(METRIC_SEED))
        network, encoder = self.averaged.eval(), self.encoder
        background_encoder = self.references.background_encoder
        self.facts[name] = {
            "style_error": metrics.style_error(network, sampler),
            "cycle": metrics.cycle_metrics(network, background_encoder, encoder, sampler),
            "camera": metrics.camera_control(network, encoder, sampler),
            "selectors": metrics.selector_shares(network),
        }
        metrics.write_pictures(self.folder.file(f"images/{name}.png"), network, sampler)

    def _step(self, step: int) -> Step:
        settings, warm_steps = self.settings, self.settings.warmup_steps
        warm_up = step < warm_steps
        done = step / warm_steps if warm_up else (step - warm_steps) / settings.steps
        rate = settings.warmup_learning_rate if warm_up else settings.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = group["faster"] * rate * 0.5 * (1.0 + math.cos(math.pi * done))
        judged = {} if warm_up else self._train_adversary()
        with self.device.autocast():
            if warm_up:
                taken = warm_up_step(self.network, self.sampler, settings)
            else:
                taken = fine_tuning_step(self.network, self.references, self.sampler, settings)
        self.optimizer.zero_grad(set_to_none=True)
        taken.loss.backward()
        nn.utils.clip_grad_norm_(self.optimizer.param_groups[0]["params"], 5.0)
        self.optimizer.step()
        self._average(0 if warm_up else step - warm_steps)
        terms = taken.terms | judged
        return Step(taken.loss.detach(), {key: v.detach() for key, v in terms.items()})

    def _train_adversary(self) -> dict[str, Tensor]:
        adversary = self.references.adversary
        if adversary is None:
            return {}
        adversary.requires_grad_(True)
        judged = adversary_step(adversary, self.network, self.sampler, self.settings)
        self.against.zero_grad(set_to_none=True)
        judged.loss.backward()
        self.against.step()
        adversary.requires_grad_(False)
        return {f"adversary_{name}": value for name, value in judged.terms.items()}

    def _average(self, step: int) -> None:
        """Over about the last `AVERAGED_STEPS`; the first steps are forgotten sooner."""
        kept = min(1 - 1 / AVERAGED_STEPS, step / (step + 10))
        with torch.no_grad():
            pairs = zip(self.averaged.parameters(), self.network.parameters(), strict=True)
            for mean, parameter in pairs:
                mean.lerp_(parameter, 1 - kept)
