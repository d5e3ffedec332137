"""The attribute classifier: azimuth, elevation, distance, body and paint of a vehicle's image.

It is trained on the ground truth of procedural photographs. It fills in for a person who annotates
viewpoints, and it measures view codes and every round's generator. The inverse graphics network
never sees its output.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphics.camera import NOMINAL_DISTANCE
from train.models.camera_features import DISTANCE_SCALE
from train.models.heads import AZIMUTH_BINS
from train.models.layers import channels_last
from train.models.segmenter import ConvolutionBlock
from train.models.weights import load_network, save_network

GRID_SIDE = 32
"""Images are folded to this side at the entry, so that the cost hardly depends on their size."""
WIDTHS = (24, 48, 96, 128)  # channels at sides 32, 16, 8 and 4
CODE = 128
BODY_KINDS = 4  # kinds of bodies of procedural vehicles
ELEVATION_SCALE_DEGREES = 10.0


class AttributeOutputs(NamedTuple):
    """Raw outputs for B images."""

    azimuth_logits: Tensor  # [B, AZIMUTH_BINS]; bin 0 is centred on 0 degrees
    elevations: Tensor  # [B] degrees
    distances: Tensor  # [B] object units
    kind_logits: Tensor  # [B, BODY_KINDS]
    bodies: Tensor  # [B, 2]: roof height and length in object units
    paints: Tensor  # [B, 3] in 0..1


class AttributeReadings(NamedTuple):
    """Attributes of N images."""

    azimuths: np.ndarray  # f32 [N] degrees in [-180, 180)
    confidences: np.ndarray  # f32 [N] in 0..1: probability of the azimuth's peak and its neighbours
    elevations: np.ndarray  # f32 [N] degrees
    distances: np.ndarray  # f32 [N] object units
    kinds: np.ndarray  # f32 [N, BODY_KINDS] probabilities
    bodies: np.ndarray  # f32 [N, 2]: roof height and length in object units
    paints: np.ndarray  # f32 [N, 3] in 0..1

    def values(self) -> dict[str, np.ndarray]:
        """Attribute -> f32 [N, D]: numbers whose variance means something.

        Angles as (cos, sin), the kind as probabilities.
        """
        azimuths = np.deg2rad(self.azimuths)
        return {
            "azimuth": np.stack([np.cos(azimuths), np.sin(azimuths)], axis=1),
            "elevation": self.elevations[:, None],
            "distance": self.distances[:, None],
            "body_kind": self.kinds,
            "roof_height": self.bodies[:, :1],
            "length": self.bodies[:, 1:],
            "paint": self.paints,
        }


class AttributeClassifier(nn.Module):
    """A small convolutional network with one linear head per attribute."""

    def __init__(self, size: int) -> None:
        super().__init__()
        if size % GRID_SIDE:
            raise ValueError(f"image size {size}: must be a multiple of {GRID_SIDE}")
        self.size, self.fold = size, size // GRID_SIDE
        layers: list[nn.Module] = []
        inputs = 3 * self.fold**2
        for level, width in enumerate(WIDTHS):
            layers += ConvolutionBlock(inputs, width)
            layers += ConvolutionBlock(width, width) if level else []
            # The largest, not the mean: what tells front from back is lamps of a pixel or two.
            layers += [nn.MaxPool2d(2)] if level + 1 < len(WIDTHS) else []
            inputs = width
        self.encoder = nn.Sequential(*layers, nn.Flatten())
        self.code = nn.Linear(WIDTHS[-1] * (GRID_SIDE // 8) ** 2, CODE)
        self.azimuth = nn.Linear(CODE, AZIMUTH_BINS)
        self.kind = nn.Linear(CODE, BODY_KINDS)
        self.rest = nn.Linear(CODE, 7)

    def forward(self, images: Tensor) -> AttributeOutputs:  # [B, 3, R, R] in 0..1
        """Raw outputs; see `read_attributes` for degrees and probabilities."""
        size = self.size
        if images.shape[1:] != (3, size, size):
            raise ValueError(f"images {tuple(images.shape)}: must be [B, 3, {size}, {size}]")
        code = F.relu(self.features(images))
        rest = self.rest(code).float()
        return AttributeOutputs(
            self.azimuth(code).float(),
            15.0 + ELEVATION_SCALE_DEGREES * rest[:, 0],
            NOMINAL_DISTANCE * torch.exp(DISTANCE_SCALE * rest[:, 1]),
            self.kind(code).float(),
            1.0 + rest[:, 2:4],
            torch.sigmoid(rest[:, 4:]),
        )

    def features(self, images: Tensor) -> Tensor:  # [B, 3, R, R] in 0..1 -> [B, CODE]
        """The code of all heads before its rectifier: the features of Fréchet distances."""
        folded = F.pixel_unshuffle((images - 0.5) * 2, self.fold)
        return self.code(self.encoder(folded))


@torch.inference_mode()
def read_attributes(network: AttributeClassifier, images: Tensor) -> AttributeReadings:
    """Attributes of images [N, 3, R, R] in 0..1, averaged over each and its mirror image.

    The azimuth is the mean direction of the distribution's peak, the strongest bin and its
    neighbours. A second peak on the far side (front and back confused) then lowers the confidence
    and does not pull the azimuth to the middle.
    """
    images = images.to(next(network.parameters()).device)
    plain, mirrored = network(images), network(images.flip(-1))
    probabilities = plain.azimuth_logits.float().softmax(dim=-1)  # [N, bins]
    flipped = mirrored.azimuth_logits.float().softmax(dim=-1).flip(-1).roll(1, dims=-1)
    probabilities = (probabilities + flipped) / 2
    around = torch.arange(-1, 2, device=probabilities.device)
    peak = (probabilities.argmax(dim=-1, keepdim=True) + around) % AZIMUTH_BINS  # [N, 3]
    weights = probabilities.gather(1, peak)
    angles = torch.deg2rad(peak * (360.0 / AZIMUTH_BINS))
    direction = torch.atan2((weights * angles.sin()).sum(-1), (weights * angles.cos()).sum(-1))
    azimuths = (torch.rad2deg(direction) + 180.0) % 360.0 - 180.0
    columns = (
        azimuths,
        weights.sum(dim=-1),
        (plain.elevations + mirrored.elevations) / 2,
        (plain.distances + mirrored.distances) / 2,
        (plain.kind_logits.softmax(dim=-1) + mirrored.kind_logits.softmax(dim=-1)) / 2,
        (plain.bodies + mirrored.bodies) / 2,
        (plain.paints + mirrored.paints) / 2,
    )
    return AttributeReadings(*(column.float().cpu().numpy() for column in columns))


@torch.inference_mode()
def azimuths_both_ways(
    network: AttributeClassifier,
    images: Tensor,  # [N, 3, R, R] in 0..1
) -> tuple[np.ndarray, np.ndarray]:  # f32 [N] degrees, twice
    """The likeliest azimuth of each image, and of its mirror image, turned back."""
    images = images.to(next(network.parameters()).device)
    plain, mirrored = (
        network(given).azimuth_logits.argmax(dim=-1).float().cpu().numpy() * (360.0 / AZIMUTH_BINS)
        for given in (images, images.flip(-1))
    )
    return plain, -mirrored


def save_attributes(network: AttributeClassifier, path: Path) -> None:
    """Write the weights and the image size, atomically."""
    save_network(path, network, {"size": str(network.size)})


def load_attributes(path: Path) -> AttributeClassifier:
    """Read what `save_attributes` wrote; the network is in evaluation mode, in float32."""
    return channels_last(load_network(path, lambda facts: AttributeClassifier(int(facts["size"]))))
