"""A small U-Net that keeps the size of its pictures, and may be told the camera."""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.camera_features import CAMERA_FEATURES, camera_features

MULTIPLES = (1, 2, 4, 6)
"""Channels of the resolutions, from fine to coarse, as multiples of the width."""
HALVINGS = len(MULTIPLES) - 1
"""Sides of pictures must be multiples of 2 to this power."""
SLOPE = 0.2


class _Level(nn.Sequential):
    """Two convolutions of one resolution."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(SLOPE),
            nn.Conv2d(outputs, outputs, 3, 1, 1), nn.LeakyReLU(SLOPE),
        )  # fmt: skip


class UNet(nn.Module):
    """Pictures to pictures; all it gives is 0 before it has learned anything."""

    def __init__(self, inputs: int, outputs: int, width: int, *, sees_camera: bool) -> None:
        """`inputs`, `outputs`: channels; `width`: channels of the finest resolution."""
        super().__init__()
        channels = [width * multiple for multiple in MULTIPLES]
        self.first = _Level(inputs, channels[0])
        pairs = list(itertools.pairwise(channels))
        self.down = nn.ModuleList(_Level(fine, coarse, 2) for fine, coarse in pairs)
        self.up = nn.ModuleList(_Level(fine + coarse, fine) for fine, coarse in reversed(pairs))
        self.camera = nn.Linear(CAMERA_FEATURES, 2 * channels[-1]) if sees_camera else None
        self.last = nn.Conv2d(channels[0], outputs, 3, 1, 1)
        zeros = [self.last] if self.camera is None else [self.last, self.camera]
        for parameter in itertools.chain.from_iterable(one.parameters() for one in zeros):
            nn.init.zeros_(parameter)

    def forward(
        self,
        given: Tensor,  # [B, inputs, R, R], R a multiple of 8
        cameras: Tensor | None = None,  # [B, 5], where it sees them
    ) -> Tensor:  # [B, outputs, R, R]
        """Any real numbers."""
        levels = [self.first(given)]
        for level in self.down:
            levels.append(level(levels[-1]))
        features = levels.pop()
        if self.camera is not None:
            assert cameras is not None
            told = self.camera(camera_features(cameras))[:, :, None, None]
            scale, shift = told.chunk(2, dim=1)
            features = features * (1 + scale) + shift
        for level in self.up:
            larger = F.interpolate(features, scale_factor=2.0, mode="nearest")
            features = level(torch.cat((larger, levels.pop()), dim=1))
        return self.last(features)
