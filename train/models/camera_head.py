"""The head that estimates the camera, and the soft bins of an azimuth."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphics.camera import NOMINAL_DISTANCE

AZIMUTH_BINS = 24
"""Soft bins of the azimuth distribution, 15 degrees apart; bin 0 is centred on 0 degrees."""


class CameraHead(nn.Module):
    """Azimuth as a distribution over soft bins; elevation, distance and offset by regression."""

    window: Tensor
    directions: Tensor

    def __init__(self, code: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(code, code)
        self.azimuth = nn.Linear(code, AZIMUTH_BINS)
        self.rest = nn.Linear(code, 4)
        nn.init.normal_(self.rest.weight, std=1e-3)
        nn.init.zeros_(self.rest.bias)
        window = torch.zeros(AZIMUTH_BINS, AZIMUTH_BINS)
        for shift in (-1, 0, 1):
            window += torch.roll(torch.eye(AZIMUTH_BINS), shift, 1)
        centres = torch.deg2rad(torch.arange(AZIMUTH_BINS) * (360.0 / AZIMUTH_BINS))
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("directions", torch.stack((centres.sin(), centres.cos()), 1), False)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, code] -> cameras [B, 5], confidences [B], azimuth logits [B, bins].

        The azimuth is the mean direction of the peak and its two neighbours, so that a second
        peak on the far side (front and back confused) cannot pull it to the middle.
        """
        code = F.relu(self.hidden(code))
        logits = self.azimuth(code)
        probabilities = logits.softmax(-1)
        peak = probabilities * self.window[probabilities.argmax(-1)]
        direction = peak @ self.directions
        azimuth = torch.rad2deg(torch.atan2(direction[:, 0], direction[:, 1]))
        elevation, distance, offsets = self.rest(code).tanh().split((1, 1, 2), -1)
        cameras = torch.cat(
            (
                azimuth[:, None],
                15 + 30 * elevation,
                NOMINAL_DISTANCE * torch.exp(0.5 * distance),
                0.4 * offsets,
            ),
            dim=-1,
        )
        return cameras, peak.sum(-1), logits


def azimuth_targets(azimuth_degrees: Tensor) -> Tensor:
    """Soft bins of azimuths [B]: each falls on its two nearest bins, linearly -> [B, bins]."""
    position = (azimuth_degrees / (360.0 / AZIMUTH_BINS)) % AZIMUTH_BINS
    low = position.floor()
    weight = (position - low)[:, None]
    low = low.long() % AZIMUTH_BINS
    high = (low + 1) % AZIMUTH_BINS
    return F.one_hot(low, AZIMUTH_BINS) * (1 - weight) + F.one_hot(high, AZIMUTH_BINS) * weight
