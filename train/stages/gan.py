"""Stage gan: StyleGAN2 on the photographs, from round 1 on conditioned on their cameras.

Round 0 is unconditional: two codes per image, cut at a random convolution. With `gan.checkpoint`
it takes an imported generator as it is instead. Later rounds read `labels.npz` of stage cameras:
the early layers follow camera and content, the discriminator judges image and camera together,
and fakes are conditioned on cameras of photographs. Writes
`generator.safetensors` (averaged weights), `discriminator.safetensors` and `images/*.png`: the
same codes in every picture, a row per content code, a column per view code or azimuth.
"""

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from train.checkpoints.imported import load_checkpoint
from train.config import PROCEDURAL, Config, ConfigError, GanConfig
from train.data.stream import PhotographStream
from train.evaluation.gates import gan_gates
from train.models import weights
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape
from train.models.segmenter import load_segmenter
from train.models.stylegan2 import published_channels
from train.pictures.grid import write_view_grid
from train.running.device import Device, default_device, keep_freed_memory, launch, processes_for
from train.running.gate import Gate, as_facts
from train.running.progress import Progress
from train.running.provenance import training_command
from train.running.workspace import StageFolder, StepLoop, Workspace
from train.steps.gan import GanTraining

FEW_PHOTOGRAPHS = 20_000  # fewer own photographs than this call for adaptive augmentation


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the GAN of this round; goes on where a killed run stopped."""
    settings, folder = config.gan, workspace.stage("gan", round)
    augment = augments(config, workspace)
    started = {**asdict(settings), "size": config.photographs.size, "seed": config.seed}
    started["augment"] = augment
    # A run may go on with another number of processes: it sees the same batches.
    del started["processes"]
    if settings.checkpoint and round == 0:
        taken = load_checkpoint(config)  # refuses before anything is written
        folder.start(started)
        _save(folder, taken.generator, taken.discriminator, kimg="0", **taken.origin)
        write_view_grid(taken.generator.to(default_device()), folder.file("images/000000.png"))
        gates = as_facts(_gates(config, workspace, round))
        folder.finish(gates=gates, kimg=0, camera_conditioned=False, **taken.origin)
        return
    folder.start(started)
    processes = settings.processes or processes_for(settings.batch_size, threaded=True)
    facts = launch(_train, processes, settings.precision, config, workspace, round, augment)
    kimg = settings.conditioned_kimg if round else settings.kimg
    gates = as_facts(_gates(config, workspace, round))
    folder.finish(gates=gates, kimg=kimg, camera_conditioned=round > 0, **facts)


def _gates(config: Config, workspace: Workspace, round: int) -> list[Gate]:
    """What is to be said of the GAN that this stage has written."""
    photographs = workspace.stage("photographs").path / "images.npy"
    if not photographs.is_file():  # an imported generator has none; stage photographs draws them
        return []
    generator = weights.load_generator(workspace.stage("gan", round).file("generator.safetensors"))
    images = np.load(photographs, mmap_mode="r")
    cameras = None
    if round:
        with np.load(workspace.stage("cameras", round).require("labels.npz")) as labels:
            cameras = labels["cameras"][labels["keep"]]
    device, segmenter = default_device(), workspace.stage("segmenter")
    segment = load_segmenter(segmenter.path, device) if segmenter.done else None
    name = "--gan.conditioned-kimg" if round else "--gan.kimg"
    again = f"train for longer with {name} and --redo gan:{round}"
    return gan_gates(generator.eval().to(device), images, cameras, segment, again)


def augments(config: Config, workspace: Workspace) -> bool:
    """Whether the discriminator is trained with adaptive augmentation; see gan.augment."""
    if config.gan.augment != "auto":
        return config.gan.augment == "adaptive"
    own = config.photographs.source != PROCEDURAL
    return own and workspace.stage("photographs").facts()["count"] < FEW_PHOTOGRAPHS


def _train(
    device: Device, config: Config, workspace: Workspace, round: int, augment: bool
) -> dict[str, float]:
    """Train in each of the processes; rank 0 alone writes.

    Returns:
        The last step's metrics.
    """
    keep_freed_memory()
    settings, folder = config.gan, workspace.stage("gan", round)
    stream = _stream(settings, workspace, round)
    kimg = settings.conditioned_kimg if round else settings.kimg
    steps = math.ceil(kimg * 1000 / settings.batch_size)
    progress = Progress(workspace, "gan", steps, round, silent=not device.is_rank_zero)
    torch.manual_seed(config.seed + 1000 * round)
    networks = _networks(config, workspace, round, progress)
    seed = config.seed + 1000 * round
    training = GanTraining(settings, *networks, seed, device, augment=augment)
    loop = StepLoop(folder, steps, training.state_dict, writes=device.is_rank_zero)
    loop.resume(training.load_state_dict)
    if loop.first:
        progress.say(f"goes on from step {loop.first}")
    every = max(settings.snapshot_kimg * 1000 // settings.batch_size, 1)
    metrics: dict[str, Tensor] = {}
    for step in loop:
        metrics = training.step(stream, step)._asdict()
        progress.tick(step + 1, **metrics)
        if device.is_rank_zero and (step + 1) % every == 0 and step + 1 < steps:
            seen = (step + 1) * settings.batch_size // 1000
            write_view_grid(training.average, folder.file(f"images/{seen:06d}.png"))
    if device.is_rank_zero:
        write_view_grid(training.average, folder.file(f"images/{int(kimg):06d}.png"))
        _save(folder, training.average, training.discriminator, kimg=str(kimg))
    return {name: float(value) for name, value in metrics.items()}


def _stream(settings: GanConfig, workspace: Workspace, round: int) -> PhotographStream:
    images = np.load(workspace.stage("photographs").require("images.npy"), mmap_mode="r")
    if round == 0:
        return PhotographStream(images, mirror=settings.mirror)
    with np.load(workspace.stage("cameras", round).require("labels.npz")) as labels:
        return PhotographStream(images, labels["cameras"], labels["keep"], mirror=settings.mirror)


def _networks(
    config: Config, workspace: Workspace, round: int, progress: Progress
) -> tuple[Generator, Discriminator]:
    """Networks of this round, with the starting weights that the settings name."""
    generator, discriminator = new_networks(config, camera_conditioned=round > 0)
    start = _starting_weights(config.gan, workspace, round)
    if start is None:
        progress.say("starts from scratch")
        return generator, discriminator
    new = weights.transfer(weights.load_generator(start[0]), generator)
    new += weights.transfer(weights.load_discriminator(start[1]), discriminator)
    begun = f"; new: {', '.join(new)}" if new else ""
    progress.say(f"starts from {start[0].parent}{begun}")
    return generator, discriminator


def new_networks(config: Config, *, camera_conditioned: bool) -> tuple[Generator, Discriminator]:
    """Both networks as the settings shape them, freshly initialised."""
    settings, size = config.gan, config.photographs.size
    judge = DiscriminatorShape(size, camera_conditioned=camera_conditioned)
    wide, deep = (), judge.channels
    if settings.channels:
        wide = published_channels(size, settings.channels, settings.most_channels)
        deep = wide[: len(judge.channels)]  # with a patch the finest level is left out
    shape = GeneratorShape(size, settings.code, wide, camera_conditioned=camera_conditioned)
    if not camera_conditioned:
        count = settings.view_layers or (4 if size <= 32 else 6)
        try:
            shape = replace(shape, view_layers=count)
        except ValueError as error:
            raise ConfigError(f"gan.{error}; give --gan.view-layers at most so many") from error
    return Generator(shape), Discriminator(replace(judge, channels=deep))


def _starting_weights(
    settings: GanConfig, workspace: Workspace, round: int
) -> tuple[Path, Path] | None:
    """The files of the generator and the discriminator to start from; None: from scratch."""
    if settings.continues(round):
        before = workspace.stage("gan", round - 1)
        return before.require("generator.safetensors"), before.require("discriminator.safetensors")
    if settings.init == "scratch":
        return None
    if settings.init == "shipped":
        # Without its cameras the camera-conditioned discriminator judges plain photographs as well.
        kind = "camera_conditioned" if round else "unconditional"
        discriminator = weights.SHIPPED / "camera_conditioned" / "discriminator.safetensors"
        return weights.SHIPPED / kind / "generator.safetensors", discriminator
    folder = Path(settings.init)
    return folder / "generator.safetensors", folder / "discriminator.safetensors"


def _save(
    folder: StageFolder, generator: Generator, discriminator: Discriminator | None, **facts: str
) -> None:
    """Write the networks with the command that made them."""
    facts = {"command": training_command(), **facts}
    weights.save_weights(folder.file("generator.safetensors"), generator, facts)
    if discriminator is not None:
        weights.save_weights(folder.file("discriminator.safetensors"), discriminator, facts)
