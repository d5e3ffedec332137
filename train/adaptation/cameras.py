"""Training of a network's camera part on photographs of one's own, and what it is worth.

Labelled photographs are worth most. Of unlabelled ones those are taken whose camera the network is
sure of, the same for the mirror image: self-training. Rendered cut-outs keep what was known before.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from graphics.camera import AZIMUTH, azimuth_difference_degrees
from train.adaptation.served import ServedPhotos
from train.data.cutouts import PHOTOGRAPHED, CutOutBatch, CutOuts
from train.models.heads import azimuth_targets
from train.models.inverse_graphics import InverseGraphics
from train.models.layers import channels_last
from train.models.serving_graphs import channels_first
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace
from train.steps.camera import CameraPart, camera_loss_of
from train.steps.one_cycle import train_one_cycle

SURE = 0.9
"""Confidence from which on a prediction is taken for the label of an unlabelled photograph."""
STEADY_DEGREES = 20.0
"""By how much the camera of its mirror image may differ then."""
TEMPERATURES = np.geomspace(0.5, 5.0, 47)
"""Those that are tried."""
RIGHT_DEGREES, FLIPPED_DEGREES = 30.0, 120.0
BATCH = 64


class CameraReadings(NamedTuple):
    """What a network reads from N photographs."""

    azimuths: NDArray[np.float32]
    """[N] degrees"""
    confidences: NDArray[np.float32]
    """[N] in 0..1"""
    logits: NDArray[np.float32]
    """[N, bins], before any temperature."""


@dataclass(frozen=True)
class Training:
    """How a camera part is trained."""

    workspace: Workspace
    steps: int
    learning_rate: float
    photographed: float
    """Share of photographs among what a step sees, where there are rendered cut-outs too."""
    seed: int
    rehearsal: tuple[CutOutBatch, ...] = ()
    """Rendered cut-outs."""

    def train(
        self,
        network: InverseGraphics,
        photos: ServedPhotos,
        cameras: NDArray[np.float32],
        name: str,
    ) -> InverseGraphics:
        """A copy of the network, trained on the photographs whose azimuth is not nan; goes on after
        a kill."""
        taught = ~np.isnan(cameras[:, AZIMUTH])
        batches = list(self.rehearsal)
        if taught.any():
            kinds = np.full(int(taught.sum()), PHOTOGRAPHED, np.int32)
            batches.append(CutOutBatch(photos.images[taught], cameras[taught], kinds))
        joined = CutOutBatch(*map(np.concatenate, zip(*batches, strict=True)))
        data = CutOuts(joined, self.photographed)
        trained = channels_last(deepcopy(network)).train()
        trained.camera_head.temperature.fill_(1.0)
        folder = StageFolder(self.workspace.path / name)
        progress = Progress(self.workspace, name, self.steps)
        part = CameraPart(trained)
        loss_of = camera_loss_of(trained, data, self.seed)
        train_one_cycle(part, folder, progress, loss_of, self.learning_rate, 0.2)
        return trained.eval()


@torch.no_grad()
def read_cameras(network: InverseGraphics, images: NDArray[np.uint8]) -> CameraReadings:
    """Cameras of cut-outs [N, R, R, 4], as the service reads them."""
    parts: list[tuple[torch.Tensor, ...]] = []
    for start in range(0, len(images), BATCH):
        pixels = channels_first(torch.from_numpy(np.array(images[start : start + BATCH])))
        cameras, confidences, logits = network.camera(pixels[:, :3], pixels[:, 3:])
        temperature = network.camera_head.temperature
        parts.append((cameras[:, AZIMUTH], confidences, logits * temperature))
    return CameraReadings(*(torch.cat(values).numpy() for values in zip(*parts, strict=True)))


def self_labels(network: InverseGraphics, photos: ServedPhotos) -> NDArray[np.float32]:
    """Cameras [N, 5]: as labelled, else as read where the network is sure, else nan."""
    read = read_cameras(network, photos.images)
    mirrored = read_cameras(network, photos.images[:, :, ::-1])
    apart = azimuth_difference_degrees(read.azimuths, -mirrored.azimuths)
    sure = np.minimum(read.confidences, mirrored.confidences) >= SURE
    taken = sure & (apart <= STEADY_DEGREES) & ~photos.labelled
    cameras = photos.cameras.copy()
    cameras[taken, AZIMUTH] = read.azimuths[taken]
    return cameras


def fitted_temperature(logits: NDArray[np.float32], azimuths: NDArray[np.float32]) -> float:
    """What logits [N, bins] are best divided by, so that the true azimuths [N] are as likely as
    they say: maximum likelihood."""
    targets = azimuth_targets(torch.from_numpy(azimuths))
    values = torch.from_numpy(logits)
    losses = [float(F.cross_entropy(values / t, targets)) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def scores(read: CameraReadings, azimuths: NDArray[np.float32]) -> dict[str, Any]:
    """How well N azimuths are read."""
    errors = azimuth_difference_degrees(read.azimuths, azimuths)
    sure = read.confidences > SURE
    right = errors <= RIGHT_DEGREES
    return {
        "photographs": len(errors),
        "azimuth_acc30": float(right.mean()),
        "azimuth_flipped": float((errors > FLIPPED_DEGREES).mean()),
        "confidence_mean": float(read.confidences.mean()),
        "sure": int(sure.sum()),
        "sure_right": float(right[sure].mean()) if sure.any() else None,
    }
