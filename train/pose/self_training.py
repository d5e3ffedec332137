"""Self-training: a classifier trained on the photographs by labels that are partly wrong.

A pose estimator that was trained on a GAN's images alone takes cues for front and back that
photographs do not have. Where its errors do not follow what the photographs show, a classifier
trained on its labels learns what most of them agree on, and corrects the rest.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import AZIMUTH, ELEVATION
from train.data.augmentation import BatchRandom, augment
from train.models.attributes import (
    ELEVATION_SCALE_DEGREES,
    AttributeClassifier,
    load_attributes,
    save_attributes,
)
from train.models.heads import azimuth_targets
from train.models.layers import channels_last
from train.models.serving_graphs import channels_first
from train.pose.attribute_classifier import BATCH, LEARNING_RATE
from train.running.device import Device, default_device
from train.running.progress import Progress
from train.running.workspace import StageFolder
from train.steps.one_cycle import train_one_cycle

BIN_DEGREES = 30
"""Every such bin of azimuth is sampled equally often."""
COLOUR = 0.5
"""Strength of the recolouring of photographs: the colour of lamps separates front from back."""
FULL_COLOUR = 1.0
"""Strength for a GAN's images, whose colours are further from photographs' than those are from
each other's."""
LABEL_SMOOTHING = 0.05


class Images(Protocol):
    """Images [N, R, R, 3]: an array, a memory map, or what generates them when they are indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, R, R, 3)."""
        ...

    def __getitem__(self, numbers: np.ndarray, /) -> np.ndarray:
        """uint8 [B, R, R, 3], of int64 [B]."""
        ...


class TrainingSet(NamedTuple):
    """Images with the cameras that a classifier is trained on."""

    images: Images
    cameras: np.ndarray
    """f32 [N, 5] as estimated; elevations nan where unlabelled."""
    keep: np.ndarray
    """bool [N]: those whose labels are trusted."""
    colour: float = COLOUR
    """Strength of the recolouring, 0..1."""


def train_estimator(
    folder: StageFolder, progress: Progress, training_set: TrainingSet, seed: int
) -> AttributeClassifier:
    """Train azimuth and elevation for `progress.total` steps; goes on after a kill.

    A classifier that an earlier call has left in `folder` is taken as it is.
    """
    weights = folder.file("classifier.safetensors")
    if not folder.done:
        torch.manual_seed(seed)
        size = training_set.images.shape[1]
        network = channels_last(AttributeClassifier(size), default_device())
        loss_of = _loss(network, training_set, seed)
        train_one_cycle(network, folder, progress, loss_of, LEARNING_RATE)
        save_attributes(network, weights)
        folder.finish()
    return load_attributes(weights).to(default_device())


def _elevation_loss(predicted: Tensor, labels: Tensor) -> Tensor:  # [B] degrees; nan: unlabelled
    labels = torch.where(labels.isnan(), predicted.detach(), labels)
    return F.smooth_l1_loss(predicted / ELEVATION_SCALE_DEGREES, labels / ELEVATION_SCALE_DEGREES)


def _loss(network: AttributeClassifier, data: TrainingSet, seed: int) -> Callable[[int], Tensor]:
    """The loss of each step: a function of the seed, the step and the weights."""
    images, cameras, keep, colour = data
    kept = np.flatnonzero(keep)
    bins = np.round(cameras[kept, AZIMUTH] / BIN_DEGREES).astype(np.int64) % (360 // BIN_DEGREES)
    weights = 1 / np.bincount(bins)[bins]
    weights /= weights.sum()
    autocast = Device().autocast

    def loss_of(step: int) -> Tensor:
        rows = np.sort(np.random.default_rng((seed, step)).choice(kept, BATCH, p=weights))
        rng = torch.Generator().manual_seed(seed * 1_000_003 + step)
        pixels = channels_first(torch.from_numpy(images[rows]).to(default_device()))
        labels = torch.from_numpy(cameras[rows]).to(pixels)
        with autocast():
            changed = augment(
                pixels, torch.zeros_like(pixels[:, 0]), BatchRandom(rng, len(pixels)), colour=colour
            )
            azimuths = torch.where(changed.mirrored, -labels[:, AZIMUTH], labels[:, AZIMUTH])
            outputs = network(changed.seen)
            return F.cross_entropy(
                outputs.azimuth_logits, azimuth_targets(azimuths), label_smoothing=LABEL_SMOOTHING
            ) + _elevation_loss(outputs.elevations, labels[:, ELEVATION])

    return loss_of
