"""Students: networks taught on the photographs by labels that are partly wrong.

A reader that has seen a GAN's images alone takes cues for front and back that photographs have not
got. Where its mistakes do not follow what is seen in the photographs, a network taught on them
learns what most labels agree on, and corrects the rest.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import AZIMUTH, ELEVATION
from train.data.augmentation import augment
from train.data.batch_random import BatchRandom
from train.models.attributes import (
    ELEVATION_SCALE_DEGREES,
    AttributeNetwork,
    load_attributes,
    save_attributes,
)
from train.models.camera_head import azimuth_targets
from train.pose.attribute_training import BATCH, train_attributes
from train.running.device import place
from train.running.progress import Progress
from train.running.workspace import StageFolder

BIN_DEGREES = 30
"""Photographs of every such bin of azimuth are shown as often."""
COLOUR = 0.5
"""Strength of the recolouring of photographs: what tells front from back is the colour of lamps."""
LABEL_SMOOTHING = 0.05


class Images(Protocol):
    """Images [N, R, R, 3]: an array, a memory map, or what draws them when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, R, R, 3)."""

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        """uint8 [B, R, R, 3], of int64 [B]."""


class TrainingSet(NamedTuple):
    """What a student is taught on."""

    images: Images
    cameras: np.ndarray
    """f32 [N, 5] as read; elevations nan where nobody told them."""
    keep: np.ndarray
    """bool [N]: those whose labels are trusted."""
    colour: float = COLOUR
    """Strength of the recolouring, 0..1."""


def train_estimator(
    folder: StageFolder, steps: int, progress: Progress, training_set: TrainingSet, seed: int
) -> AttributeNetwork:
    """Teach azimuth and elevation, or take what an earlier call has left; goes on after a kill."""
    weights = folder.file("student.safetensors")
    if not folder.done:
        torch.manual_seed(seed)
        network = AttributeNetwork(training_set.images.shape[1])
        network.to(device=place(), memory_format=torch.channels_last)
        loss_of = _loss(network, training_set, seed)
        train_attributes(network, folder, steps, progress, loss_of)
        save_attributes(network.eval(), weights)
        folder.finish()
    return load_attributes(weights).to(place())


def _elevation_loss(
    predicted: Tensor,  # [B] degrees
    said: Tensor,  # [B] degrees, nan where nobody told
) -> Tensor:
    said = torch.where(said.isnan(), predicted.detach(), said)
    return F.smooth_l1_loss(predicted / ELEVATION_SCALE_DEGREES, said / ELEVATION_SCALE_DEGREES)


def _loss(
    network: AttributeNetwork, training_set: TrainingSet, seed: int
) -> Callable[[int], Tensor]:
    """Of each step, a function of the seed, the step and the weights."""
    images, cameras, keep, colour = training_set
    kept = np.flatnonzero(keep)
    bins = np.round(cameras[kept, AZIMUTH] / BIN_DEGREES).astype(np.int64)
    bins %= 360 // BIN_DEGREES
    shares = 1 / np.bincount(bins)[bins]
    shares /= shares.sum()

    def loss_of(step: int) -> Tensor:
        drawn = np.sort(np.random.default_rng((seed, step)).choice(kept, BATCH, p=shares))
        rng = torch.Generator().manual_seed(seed * 1_000_003 + step)
        pixels = torch.from_numpy(images[drawn]).permute(0, 3, 1, 2).to(place()).float() / 255
        changed = augment(
            pixels, torch.zeros_like(pixels[:, 0]), BatchRandom(rng, len(pixels)), colour=colour
        )
        said = torch.from_numpy(cameras[drawn]).to(pixels)
        azimuths = torch.where(changed.mirrored, -said[:, AZIMUTH], said[:, AZIMUTH])
        outputs = network(changed.seen)
        return F.cross_entropy(
            outputs.azimuth_logits, azimuth_targets(azimuths), label_smoothing=LABEL_SMOOTHING
        ) + _elevation_loss(outputs.elevations, said[:, ELEVATION])

    return loss_of
