"""What a network reads from photographs: azimuths, how sure it is of them, labels of its own."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from graphics.camera import AZIMUTH, azimuth_difference_degrees
from train.adaptation.served import ServedPhotos
from train.models.heads import AZIMUTH_BINS, azimuth_targets
from train.models.inverse_graphics import InverseGraphics
from train.models.serving_graphs import channels_first

SURE = 0.9
"""Confidence from which on a prediction is taken for the label of an unlabelled photograph."""
STEADY_DEGREES = 20.0
"""By how much the camera of its mirror image may differ then."""
TEMPERATURES = np.geomspace(0.5, 5.0, 47)
"""Those that are tried."""
RIGHT_DEGREES = 30.0
"""Largest error of an azimuth that counts as right."""
FLIPPED_DEGREES = 120.0
"""Error from which on front and rear count as exchanged."""
BATCH = 64


class CameraReadings(NamedTuple):
    """What a network reads from N photographs."""

    azimuths: NDArray[np.float32]
    """[N] degrees"""
    confidences: NDArray[np.float32]
    """[N] in 0..1"""


@torch.no_grad()
def read_logits(network: InverseGraphics, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Azimuth logits [N, bins] of cut-outs [N, R, R, 4], before any temperature."""
    parts = [torch.empty(0, AZIMUTH_BINS)]
    for start in range(0, len(images), BATCH):
        pixels = channels_first(torch.from_numpy(np.array(images[start : start + BATCH])))
        logits = network.camera(pixels[:, :3], pixels[:, 3:])[-1]
        parts.append(logits * network.camera_head.temperature)
    return torch.cat(parts).numpy()


def read_azimuths(
    network: InverseGraphics,
    logits: NDArray[np.float32],  # [N, bins]
    temperature: float,
) -> CameraReadings:
    """Logits as a bundle with this temperature reads them."""
    found = network.camera_head.read_azimuths(torch.from_numpy(logits) / temperature)
    return CameraReadings(*(values.numpy() for values in found))


def read_cameras(network: InverseGraphics, images: NDArray[np.uint8]) -> CameraReadings:
    """Azimuths of cut-outs [N, R, R, 4], as the network's own temperature has them."""
    temperature = float(network.camera_head.temperature)
    return read_azimuths(network, read_logits(network, images), temperature)


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
    """What logits [N, bins] are best divided by, so that the true azimuths [N], in degrees, are as
    likely as they say: maximum likelihood; one of `TEMPERATURES`."""
    targets = azimuth_targets(torch.from_numpy(azimuths))
    values = torch.from_numpy(logits)
    losses = [float(F.cross_entropy(values / t, targets)) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def scores(read: CameraReadings, azimuths: NDArray[np.float32]) -> dict[str, Any]:
    """How well N azimuths, in degrees, are read."""
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
