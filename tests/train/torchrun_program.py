"""What torchrun is given to start: `courses`, after which the second process fails, or `cycle`,
which saves a checkpoint after every step."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from tests.train.stages.test_inverse import config_of, labelled_run, training_of
from train import cycle
from train.config import Config, GanConfig
from train.data.stream import PhotographStream
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape
from train.running import workspace as workspace_module
from train.running.device import Device, launch
from train.running.torchrun import given_processes, process_group
from train.running.workspace import Workspace, WorkspaceError
from train.steps.gan import GanTraining

SIZE, STEPS = 32, 6
# Slow, so that what rounding does to Adam's first steps stays small beside the course itself.
GAN = GanConfig(batch_size=8, r1_every=2, learning_rate=5e-4, precision="float32")
INVERSE = replace(config_of(steps=8, single_view=False), rounds=2)


def gan(device: Device) -> list[float]:
    """Losses of the discriminator, over the whole batch."""
    images = np.random.default_rng(0).integers(0, 256, (32, SIZE, SIZE, 3), np.uint8)
    torch.manual_seed(1)
    networks = Generator(GeneratorShape(SIZE)), Discriminator(DiscriminatorShape(SIZE))
    training, stream = GanTraining(GAN, *networks, 1, device), PhotographStream(images)
    return course(device, lambda step: training.step(stream, step).loss_d)


def inverse(device: Device, config: Config, workspace: Workspace) -> list[float]:
    """Losses over all objects."""
    training = training_of(config, workspace, 4, device)
    return course(device, lambda step: training.step(step)["loss"])


def course(device: Device, step: Callable[[int], torch.Tensor]) -> list[float]:
    losses = []
    for number in range(STEPS):
        loss = step(number).clone()
        device.average([loss])
        losses.append(float(loss))
    return losses


def courses(folder: Path) -> None:
    """Write the losses of both."""
    processes = given_processes() or 1
    # The first process makes the run folder, all read it.
    workspace = labelled_run(folder / "run", INVERSE)
    found = {
        "processes": processes,
        "patience_hours": patience(),
        "gan": launch(gan, processes, "float32"),
        "inverse": launch(inverse, processes, "float32", INVERSE, workspace),
    }
    (folder / "courses.json").write_text(json.dumps(found))


def patience() -> float | None:
    """Hours that a process waits for work without a sign of the first one."""
    if (met := process_group()) is None:
        return None
    options = met.channel._get_backend(torch.device("cpu")).options
    return options._timeout.total_seconds() / 3600


def courses_then_failure(folder: Path) -> None:
    courses(folder)
    launch(failing, 2, "float32")


def failing(device: Device) -> None:
    if (rank := device.fabric.global_rank) == 1:
        raise WorkspaceError(f"process {rank} cannot go on")
    device.average([torch.zeros(1)])  # waits for the one that has failed


def main(kind: str, *arguments: str) -> int:
    if kind == "courses":
        return cycle.conduct(partial(courses_then_failure, Path(*arguments)))
    workspace_module.CHECKPOINT_SECONDS = 0.0
    return cycle.main(arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
