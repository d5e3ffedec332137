"""Disentangle (paper 3.3): trains the GAN to tell camera, shape, texture and background apart.

    python -m train.cycle --stages disentangle

Warm-up (eq. 5): mapping networks and selectors learn the style vectors that made the multi-view
images, the generator frozen. Fine-tuning (eq. 6): the frozen networks predict the inputs from the
images, and generator and mapping networks are trained until they agree. Ours:

- The camera is often that of another view than shape, texture and background; the true style of
  that pair is known too. Otherwise g_b could infer the camera from the hole in the background.
- Half the images of a fine-tuning step keep to eq. 5 and to their true image (the anchors): eq. 6
  has no term for realistic images.
- Backgrounds are compared by g_b as it was after the warm-up: g_b in training could collapse to a
  constant.
- The predicted camera counts too, for our inverse network has a camera head.
- A camera-conditioned generator gets z_view on all early dimensions, for there z_view is added.

Leaves `stylegan_r.safetensors` and pictures, rows = objects, columns = input | its own codes | six
azimuths | another one's texture | another one's background. Of vehicles also the report of
`train.evaluate disentangled` on 64 held-out ones, which stage export takes into the manifest.
"""

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import nn

from train.config import Config
from train.data.codes import Codes, CodeSampler
from train.data.multiview import MultiviewData
from train.evaluation import stylegan_r_metrics as metrics
from train.evaluation.disentangled_network import measure_network
from train.models import stylegan_r
from train.models.inverse_graphics import load_inverse_graphics
from train.models.segmenter import load_segmenter
from train.models.weights import load_generator
from train.running.device import Device, default_device
from train.running.progress import Progress
from train.running.workspace import StepLoop, Workspace
from train.steps.disentangling import (
    FrozenEncoder,
    Step,
    fine_tuning_step,
    read_codes,
    warm_up_step,
)

HELD_OUT_EVERY = 16  # one object of so many is kept out of the training, for metrics and pictures
SELECTORS_FASTER = 10.0
METRIC_SEED = 7  # seed of the samples that are measured


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the mapping networks, then all of StyleGAN-R.

    They go on from the previous round's where the generator does (`--gan.warm-start`)."""
    folder = workspace.stage("disentangle", round)
    folder.start(config.disentangle)
    torch.manual_seed(config.seed + round)
    training = Training(config, workspace, round)
    training.run()
    stylegan_r.save_stylegan_r(folder.file("stylegan_r.safetensors"), training.network.cpu())
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


class Training:
    """StyleGAN-R, its training set, one step of either phase, and its checkpoints."""

    def __init__(self, config: Config, workspace: Workspace, round: int) -> None:
        self.settings, self.folder = config.disentangle, workspace.stage("disentangle", round)
        self.device = Device()
        self.random = torch.Generator().manual_seed(config.seed * 1_000 + round)
        self.facts: dict[str, Any] = {}
        path = workspace.stage("inverse", round).require("inverse_graphics.safetensors")
        inverse = load_inverse_graphics(path).to(self.device.device)
        segment = load_segmenter(workspace.stage("segmenter").path, self.device.device)
        self.encoder = FrozenEncoder(segment, inverse)
        generator = load_generator(workspace.stage("gan", round).require("generator.safetensors"))
        shape = stylegan_r.StyleganRShape(
            vertices=len(inverse.template.vertices),
            texture_size=inverse.shape.texture_size,
            size=config.photographs.size,
        )
        self.network = stylegan_r.StyleganR(generator, shape).to(self.device.device)
        codes = self._codes(workspace, round)
        held_out = torch.isin(codes.objects, codes.objects.unique()[::HELD_OUT_EVERY])
        self.sampler = CodeSampler(codes.of(~held_out), self.random)
        self.held_out = codes.of(held_out)
        self._calibrate(codes)
        self.facts["continued_tensors"] = 0
        # What says nothing of this generator's styles is worse than nothing: the selectors keep
        # nearly all owners that they begin with.
        if config.gan.continues(round):
            previous = workspace.stage("disentangle", round - 1).require("stylegan_r.safetensors")
            taken = stylegan_r.continue_mappings(self.network, stylegan_r.load_stylegan_r(previous))
            self.facts["continued_tensors"] = len(taken)
        self.background_encoder = copy.deepcopy(self.network.background_mapping)
        self.background_encoder.requires_grad_(False)
        self.steps = self.settings.warmup_steps + self.settings.steps
        self.progress = Progress(workspace, "disentangle", self.steps, round)
        self.optimizer = self._optimizer(warm_up=True)

    def _codes(self, workspace: Workspace, round: int) -> Codes:
        data = MultiviewData(workspace.stage("multiview", round).path)
        path = workspace.stage("inverse", round).require("cameras.npz")
        with np.load(path, allow_pickle=False) as arrays:
            cameras = torch.from_numpy(arrays["cameras"]).to(self.device.device)
        return read_codes(
            data, cameras, self.network.generator, self.encoder, self.settings.images, self.random
        )

    def _calibrate(self, codes: Codes) -> None:
        """Means and spreads of the styles, and the dimensions that the camera drives."""
        early = codes.styles[:, self.network.generator.view_dimensions]
        explained = stylegan_r.explained_variances(early, codes.viewpoints)
        wanted = self.settings.view_dimensions
        if self.network.generator.camera_conditioned:
            wanted = self.settings.conditioned_view_dimensions
        selected = stylegan_r.select_view_dimensions(explained, wanted)
        self.network.calibrate(codes.styles, codes.vertices, selected)
        spread = early.var(dim=0) * explained
        fraction = spread[selected].sum() / spread.sum()
        self.facts["images"] = len(codes.objects)
        self.facts["view_dimensions"] = {
            "selected": int(selected.sum()),
            "of": len(explained),
            "smallest_explained": metrics.rounded(explained[selected].min()),
            "mean_explained": metrics.rounded(explained[selected].mean()),
            "mean_explained_of_all": metrics.rounded(explained.mean()),
            "fraction_of_the_viewpoints_variance": metrics.rounded(fraction),
        }

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
        return {
            "network": self.network.state_dict(),
            "background_encoder": self.background_encoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": self.random.get_state(),
            "facts": self.facts,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up a checkpoint of `state`."""
        self.optimizer = self._optimizer(warm_up=saved["step"] <= self.settings.warmup_steps)
        self.network.load_state_dict(saved["network"])
        self.background_encoder.load_state_dict(saved["background_encoder"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.random.set_state(saved["random"])
        self.facts = saved["facts"]

    def run(self) -> None:
        """Both phases, from the newest checkpoint where there is one."""
        loop = StepLoop(self.folder, self.steps, self.state)
        loop.resume(self.restore)
        for step in loop:
            if step == self.settings.warmup_steps:
                self._end_warm_up()
            taken = self._step(step)
            self.progress.tick(step + 1, loss=taken.loss, **taken.terms)
        if self.settings.steps == 0:  # no step follows the warm-up, to find it at its end
            self._end_warm_up()
        self._measure("after_fine_tuning")

    def _end_warm_up(self) -> None:
        self.background_encoder.load_state_dict(self.network.background_mapping.state_dict())
        self.optimizer = self._optimizer(warm_up=False)
        self._measure("after_warm_up")

    def _measure(self, name: str) -> None:
        """Metrics and pictures of held-out objects, with the same samples every time."""
        sampler = CodeSampler(self.held_out, torch.Generator().manual_seed(METRIC_SEED))
        network, encoder = self.network.eval(), self.encoder
        self.facts[name] = {
            "style_error": metrics.style_error(network, sampler),
            "cycle": metrics.cycle_metrics(network, self.background_encoder, encoder, sampler),
            "camera": metrics.camera_control(network, encoder, sampler),
            "selectors": metrics.selector_shares(network),
        }
        metrics.write_pictures(self.folder.file(f"images/{name}.png"), network, sampler)
        self.network.train()

    def _step(self, step: int) -> Step:
        warm_steps = self.settings.warmup_steps
        warm_up = step < warm_steps
        done = step / warm_steps if warm_up else (step - warm_steps) / self.settings.steps
        rate = self.settings.warmup_learning_rate if warm_up else self.settings.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = group["faster"] * rate * 0.5 * (1.0 + math.cos(math.pi * done))
        with self.device.autocast():
            if warm_up:
                taken = warm_up_step(self.network, self.sampler, self.settings)
            else:
                taken = fine_tuning_step(
                    self.network, self.background_encoder, self.encoder, self.sampler, self.settings
                )
        self.optimizer.zero_grad(set_to_none=True)
        taken.loss.backward()
        nn.utils.clip_grad_norm_(self.optimizer.param_groups[0]["params"], 5.0)
        self.optimizer.step()
        return Step(taken.loss.detach(), {key: v.detach() for key, v in taken.terms.items()})
