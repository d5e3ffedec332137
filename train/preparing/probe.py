"""How long the stages of a run would take on this machine, by a few real steps of each training.

Every network has its real size and sees noise: a step costs the same whatever it sees.
"""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch

from graphics.camera import CAMERA_SIZE, NOMINAL_DISTANCE
from train.config import Config
from train.data.multiview import MultiviewData
from train.data.stream import PhotographStream
from train.models.attributes import AttributeClassifier
from train.models.layers import channels_last
from train.models.perceptual import DiscriminatorFeatures
from train.models.segmenter import Segmenter
from train.models.weights import save_weights
from train.pose.self_training import BATCH
from train.running.device import default_device
from train.running.workspace import StageFolder
from train.stages.gan import FEW_PHOTOGRAPHS, new_networks
from train.stages.inverse import new_network
from train.steps.gan import GanTraining
from train.steps.inverse import Examples, InverseTraining

SECONDS, STEPS = 4.0, 3
"""A probe ends after both, and begins to count after its first step."""
SEEN = 64
__all__ = ["FEW_PHOTOGRAPHS", "StageTime", "stage_times"]
VIEWS = 4


class StageTime(NamedTuple):
    """The trainings of a kind, over all rounds."""

    name: str
    steps: int
    seconds_per_step: float

    @property
    def minutes(self) -> float:
        """Of all steps."""
        return self.steps * self.seconds_per_step / 60


def stage_times(config: Config, augment: bool) -> list[StageTime]:
    """The trainings that take most of a run's time. `augment`: whether that of the GAN does."""
    gan, later = config.gan, config.rounds - 1
    shown = 1000 * (gan.kimg * (not gan.checkpoint) + gan.conditioned_kimg * later)
    inverse = config.inverse.first_steps or config.inverse.steps
    inverse = config.inverse.steps if not later else inverse + config.inverse.steps * later
    cameras = config.cameras
    classifier = later * (
        cameras.views_steps + cameras.self_training_rounds * cameras.self_training_steps
    )
    if config.viewpoints.suggested_per_bin:
        classifier += config.viewpoints.suggestion_steps
    with TemporaryDirectory() as folder:
        return [
            StageTime("gan", round(shown / gan.batch_size), timed(gan_step(config, augment))),
            StageTime("segmenter", 0 if config.segmenter.onnx else config.segmenter.steps,
                      timed(segmenter_step(config))),
            StageTime("viewpoints, cameras", classifier, timed(classifier_step(config))),
            StageTime("inverse", inverse, timed(inverse_step(config, Path(folder)))),
        ]  # fmt: skip


def timed(step: Callable[[int], object]) -> float:
    """Seconds of a step, after the first."""
    step(0)
    began, done = time.perf_counter(), 0
    while done < STEPS or time.perf_counter() - began < SECONDS:
        done += 1
        step(done)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    return (time.perf_counter() - began) / done


def gan_step(config: Config, augment: bool) -> Callable[[int], object]:
    """A step of stage gan."""
    training = GanTraining(
        config.gan, *new_networks(config, camera_conditioned=False), 0, augment=augment
    )
    stream = PhotographStream(_noise(config.photographs.size))
    return lambda step: training.step(stream, step)


def segmenter_step(config: Config) -> Callable[[int], object]:
    """A step of stage segmenter, without the drawing of its photographs."""
    network = channels_last(Segmenter(config.segmenter.channels), default_device())
    images = _tensor(config.photographs.size, config.segmenter.batch_size)
    return _learning(network, lambda: network.logits(images).square().mean())


def classifier_step(config: Config) -> Callable[[int], object]:
    """A step of the classifiers of stages viewpoints and cameras."""
    network = channels_last(AttributeClassifier(config.photographs.size), default_device())
    images = _tensor(config.photographs.size, BATCH)
    return _learning(network, lambda: network(images).azimuth_logits.square().mean())


def inverse_step(config: Config, folder: Path) -> Callable[[int], object]:
    """A step of stage inverse; `folder`: an empty one."""
    settings, side = config.inverse, config.photographs.size
    _, discriminator = new_networks(config, camera_conditioned=False)
    save_weights(folder / "discriminator.safetensors", discriminator, {})
    training = InverseTraining(
        settings,
        new_network(settings),
        Examples(_views(folder, side)),
        DiscriminatorFeatures(folder / "discriminator.safetensors"),
        seed=0,
    )
    return training.step


def _learning(
    network: torch.nn.Module, loss_of: Callable[[], torch.Tensor]
) -> Callable[[int], object]:
    optimiser = torch.optim.AdamW(network.parameters())

    def step(number: int) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss_of().backward()
        optimiser.step()

    return step


def _noise(side: int) -> np.ndarray:  # uint8 [SEEN, R, R, 3]
    return np.random.default_rng(0).integers(0, 256, (SEEN, side, side, 3), dtype=np.uint8)


def _tensor(side: int, count: int) -> torch.Tensor:  # [count, 3, R, R] in 0..1
    return torch.rand(count, 3, side, side, device=default_device())


def _views(folder: Path, side: int) -> MultiviewData:
    """Noise as stage multiview would leave it, each with a disc for its mask."""
    objects, views = (indices.reshape(-1) for indices in np.indices((SEEN // VIEWS, VIEWS)))
    places = np.arange(side) - side / 2
    disc = np.where(np.hypot(places[:, None], places) < side / 4, 255, 0).astype(np.uint8)
    np.save(folder / "images.npy", _noise(side))
    np.save(folder / "masks.npy", np.repeat(disc[None], SEEN, 0))
    own = StageFolder(folder)
    own.save_arrays("index.npz", {"object": objects, "viewpoint": views})
    cameras = np.zeros((VIEWS, CAMERA_SIZE), np.float32)
    cameras[:, 0], cameras[:, 1], cameras[:, 2] = 90 * np.arange(VIEWS), 10, NOMINAL_DISTANCE
    own.save_arrays("viewpoints.npz", {"cameras": cameras, "codes": cameras})
    own.save_arrays("contents.npz", {"codes": np.zeros((SEEN // VIEWS, 1), np.float32)})
    return MultiviewData(folder)
