"""Stage gan: StyleGAN2 on the photographs; from round 1 on it is taught their cameras.

Round 0 is unconditional: two codes per image, cut at a random convolution. Later rounds read
`labels.npz` of stage cameras: the early layers follow camera and content, the discriminator
judges image and camera together, and fakes are asked for cameras of photographs. Writes
`generator.safetensors` (averaged weights), `discriminator.safetensors` and `images/*.png`: the
same codes in every picture, a row per content code, a column per view code or azimuth.
"""

import copy
import math
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from train.config import Config, GanConfig
from train.data.stream import PhotographStream, RealBatch
from train.device import Device
from train.losses.adversarial import discriminator_loss, generator_loss, r1_penalty
from train.memory import keep_freed_memory
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape
from train.models.weights import (
    SHIPPED,
    load_discriminator,
    load_generator,
    save_weights,
    transfer,
)
from train.pictures import write_grid
from train.progress import Progress
from train.workspace import StageFolder, StepLoop, Workspace

GRID_CONTENTS, GRID_VIEWS = 8, 12
GRID_ELEVATION_DEGREES = 12.0
GRID_SEED = 7
RAMP_UP = 0.05
"""The averaged generator's half-life is at most this share of the images seen so far."""


class Codes(NamedTuple):
    """What a batch of fakes is made from."""

    content: Tensor
    """z [B, code]."""
    view: Tensor
    """z [B, code] (unconditional), or cameras [B, 5]."""
    cut: int | None
    """Convolutions that follow the view code; None: the generator's own number."""


class Figures(NamedTuple):
    """Scalars of one step, named as in stats.jsonl."""

    loss_g: Tensor
    loss_d: Tensor
    logit_real: Tensor
    logit_fake: Tensor
    r1: Tensor


class GanTraining:
    """Both networks, the average, both optimisers and the random state: one step at a time."""

    def __init__(
        self, settings: GanConfig, generator: Generator, discriminator: Discriminator, seed: int
    ) -> None:
        self.settings = settings
        self.device = Device(settings.precision)
        place = {"device": self.device.device, "memory_format": torch.channels_last}
        self.generator, self.discriminator = generator.to(**place), discriminator.to(**place)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        rate = {"lr": settings.learning_rate, "betas": (0.0, 0.99), "fused": True}
        self.optimisers = (
            torch.optim.Adam(self.generator.parameters(), **rate),
            torch.optim.Adam(self.discriminator.parameters(), **rate),
        )
        self.rng = torch.Generator().manual_seed(seed)
        self.noise_rng = torch.Generator(self.device.device).manual_seed(seed + 1)
        self.r1 = torch.zeros(())

    def draw_codes(self, stream: PhotographStream) -> Codes:
        """Codes of the next fakes."""
        batch, shape = self.settings.batch_size, self.generator.shape
        content = torch.randn((batch, shape.code), generator=self.rng)
        cameras = stream.draw_cameras(batch, self.rng)
        if cameras is not None:
            return Codes(content, cameras, None)
        other = torch.randn((batch, shape.code), generator=self.rng)
        if torch.rand((), generator=self.rng) >= self.settings.mixing:
            return Codes(content, content, None)
        last = self.generator.convolution_count
        return Codes(content, other, int(torch.randint(1, last, (), generator=self.rng)))

    def fakes(self, codes: Codes) -> Tensor:  # [B, 3, R, R]
        """Images of the training generator, differentiable."""
        content = self.generator.mapping(codes.content.to(self.device.device))
        self.generator.mapping.track_mean(content)
        view = codes.view.to(self.device.device)
        mapping = self.generator.camera_mapping or self.generator.mapping
        styles = self.generator.styles(content, mapping(view), codes.cut)
        noise = "random" if self.settings.noise else None
        return self.generator.synthesize(styles, noise, self.noise_rng).float()

    def step(self, stream: PhotographStream, step: int) -> Figures:
        """One update of both networks from the same fakes.

        One discriminator pass over the fakes serves both losses: its activations are kept and
        the loss of the generator goes back to the pixels, that of the discriminator to its
        weights. Both networks are then updated at once.
        """
        codes, real = self.draw_codes(stream), stream.draw(self.settings.batch_size, self.rng)
        real = RealBatch(*(None if x is None else x.to(self.device.device) for x in real))
        taught = self.discriminator.camera_taught
        cameras = codes.view.to(self.device.device) if taught else None
        with self.device.autocast():
            fakes = self.fakes(codes)
            pixels = fakes.detach().requires_grad_()
            fake_logits = self.discriminator(pixels, cameras).float()
            loss_g = generator_loss(fake_logits)
        (gradient,) = torch.autograd.grad(loss_g, pixels, retain_graph=True)
        fakes.backward(gradient)
        with self.device.autocast():
            real_logits = self.discriminator(real.images, real.cameras).float()
        loss_d = discriminator_loss(real_logits, fake_logits)
        torch.autograd.backward(loss_d, inputs=list(self.discriminator.parameters()))
        if step % self.settings.r1_every == 0:
            self._regularise(real)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        self._update_average(step)
        return Figures(
            loss_g.detach(),
            loss_d.detach(),
            real_logits.detach().mean(),
            fake_logits.detach().mean(),
            self.r1,
        )

    def _regularise(self, real: RealBatch) -> None:
        """Add the gradient of R1 on half the batch, in float32, for the steps left out."""
        half = self.settings.batch_size // 2
        images = real.images[:half].clone().requires_grad_()
        cameras = None if real.cameras is None else real.cameras[:half]
        penalty = r1_penalty(self.discriminator(images, cameras), images)
        (penalty * (self.settings.gamma / 2 * self.settings.r1_every)).backward()
        self.r1 = penalty.detach()

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        seen = (step + 1) * self.settings.batch_size
        half_life = max(min(self.settings.ema_kimg * 1000, RAMP_UP * seen), 1e-8)
        kept = 0.5 ** (self.settings.batch_size / half_life)
        averaged, current = list(self.average.parameters()), list(self.generator.parameters())
        torch._foreach_lerp_(averaged, current, 1 - kept)
        for averaged_buffer, buffer in zip(
            self.average.buffers(), self.generator.buffers(), strict=True
        ):
            averaged_buffer.copy_(buffer)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "rng": self.rng.get_state(),
            "noise_rng": self.noise_rng.get_state(),
            "r1": self.r1,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state saved by `state_dict`."""
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.rng.set_state(state["rng"])
        self.noise_rng.set_state(state["noise_rng"])
        self.r1 = state["r1"]


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the GAN of this round; goes on where a killed run stopped."""
    keep_freed_memory()
    settings, folder = config.gan, workspace.stage("gan", round)
    folder.start({**asdict(settings), "size": config.photographs.size, "seed": config.seed})
    stream = _stream(settings, workspace, round)
    kimg = settings.taught_kimg if round else settings.kimg
    steps = math.ceil(kimg * 1000 / settings.batch_size)
    progress = Progress(workspace, "gan", steps, round)
    torch.manual_seed(config.seed + 1000 * round)
    training = GanTraining(
        settings, *_networks(config, workspace, round, progress), config.seed + 1000 * round
    )
    loop = StepLoop(folder, steps, training.state_dict)
    if (checkpoint := folder.load_checkpoint()) is not None:
        training.load_state_dict(checkpoint)
        loop.first = checkpoint["step"]
        progress.say(f"goes on from step {loop.first}")
    every = max(settings.snapshot_kimg * 1000 // settings.batch_size, 1)
    figures = None
    for step in loop:
        figures = training.step(stream, step)
        progress.tick(step + 1, **figures._asdict())
        if (step + 1) % every == 0 or step + 1 == steps:
            seen = (step + 1) * settings.batch_size // 1000
            picture(training.average, folder.file(f"images/{seen:06d}.png"))
    if not steps:
        picture(training.average, folder.file("images/000000.png"))
    _save(folder, training, kimg)
    facts = {} if figures is None else {k: float(v) for k, v in figures._asdict().items()}
    folder.finish(kimg=kimg, camera_taught=round > 0, **facts)


@torch.no_grad()
def picture(generator: Generator, path: Path) -> None:
    """Write the picture grid of the fixed codes: rows are content codes, columns views."""
    rng = torch.Generator().manual_seed(GRID_SEED)
    place = generator.constant.device
    contents = torch.randn((GRID_CONTENTS, generator.shape.code), generator=rng)
    if generator.camera_mapping is not None:
        cameras = torch.zeros(GRID_VIEWS, 5)
        cameras[:, 0] = torch.arange(GRID_VIEWS) * (360.0 / GRID_VIEWS)
        cameras[:, 1] = GRID_ELEVATION_DEGREES
        views = generator.camera_mapping(cameras.to(place))
    else:
        codes = torch.randn((GRID_VIEWS, generator.shape.code), generator=rng)
        views = generator.mapping(codes.to(place))
    content = generator.mapping(contents.to(place)).repeat_interleave(GRID_VIEWS, dim=0)
    # Without noise, as the later stages draw their data.
    images = generator.synthesize(generator.styles(content, views.repeat(GRID_CONTENTS, 1)), None)
    write_grid(path, (images + 1) / 2, columns=GRID_VIEWS)


def _stream(settings: GanConfig, workspace: Workspace, round: int) -> PhotographStream:
    images = np.load(workspace.stage("photographs").require("images.npy"), mmap_mode="r")
    if round == 0:
        return PhotographStream(images, mirror=settings.mirror)
    with np.load(workspace.stage("cameras", round).require("labels.npz")) as labels:
        return PhotographStream(images, labels["cameras"], labels["keep"], mirror=settings.mirror)


def _networks(
    config: Config, workspace: Workspace, round: int, progress: Progress
) -> tuple[Generator, Discriminator]:
    """New networks of this round's kind, started from where the settings say."""
    size, taught = config.photographs.size, round > 0
    generator = Generator(GeneratorShape(size, camera_taught=taught))
    discriminator = Discriminator(DiscriminatorShape(size, camera_taught=taught))
    folder = _starting_weights(config.gan, workspace, round)
    if folder is None:
        progress.say("starts from scratch")
        return generator, discriminator
    new = transfer(load_generator(folder / "generator.safetensors"), generator)
    new += transfer(load_discriminator(folder / "discriminator.safetensors"), discriminator)
    begun = f"; new: {', '.join(new)}" if new else ""
    progress.say(f"starts from {folder}{begun}")
    return generator, discriminator


def _starting_weights(settings: GanConfig, workspace: Workspace, round: int) -> Path | None:
    if round and settings.warm_start:
        return workspace.stage("gan", round - 1).require("generator.safetensors").parent
    if settings.init == "scratch":
        return None
    if settings.init == "shipped":
        return SHIPPED / ("camera_taught" if round else "unconditional")
    return Path(settings.init)


def _save(folder: StageFolder, training: GanTraining, kimg: float) -> None:
    """The averaged generator and the discriminator, with the command that made them."""
    command = shlex.join(["python", "-m", "train.cycle", *sys.argv[1:]])
    facts = {"command": command, "kimg": str(kimg)}
    save_weights(folder.file("generator.safetensors"), training.average, facts)
    save_weights(folder.file("discriminator.safetensors"), training.discriminator, facts)
