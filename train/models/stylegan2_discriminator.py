"""The discriminator exactly as published, for imported checkpoints (Karras et al. 2020).

It differs from our own light one in how it halves the side: smoothed with [1, 3, 3, 1], then
convolved at every second pixel. The standard deviation over the batch is taken in groups of four.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.layers import EqualisedConvolution
from train.models.stylegan2 import published_channels, smooth


@dataclass(frozen=True)
class StyleGAN2DiscriminatorShape(DiscriminatorShape):
    """What the weights of a discriminator of the published form depend on."""

    size: int = 256
    patch: int = 1
    clamp: float | None = None
    """Largest magnitude of every convolution's output (StyleGAN2-ADA); None: no limit."""

    def __post_init__(self) -> None:
        if not self.channels:
            object.__setattr__(self, "channels", published_channels(self.size))
        super().__post_init__()
        if self.patch != 1:
            raise ValueError(f"patch={self.patch}: the published form reads single pixels")
        if self.clamp is not None and not self.clamp > 0:
            raise ValueError(f"clamp={self.clamp}: above 0, or none")


class HalvingConvolution(EqualisedConvolution):
    """Smooths, then convolves at every second pixel."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, activate: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, stride=2, activate=activate)
        self.padding = 0
        self.inputs = inputs
        self.smoothing = (kernel + 1) // 2

    def forward(self, features: Tensor) -> Tensor:  # [B, inputs, H, W] -> [B, outputs, H/2, W/2]
        """Convolution of the smoothed features, then bias and leaky ReLU where built with them."""
        return super().forward(smooth(features, self.inputs, self.smoothing))


class SmoothedResidualBlock(nn.Module):
    """Two convolutions and a skip, halving the side."""

    def __init__(self, inputs: int, outputs: int, clamp: float | None) -> None:
        super().__init__()
        self.conv0 = EqualisedConvolution(inputs, inputs, 3)
        self.conv1 = HalvingConvolution(inputs, outputs, 3)
        self.skip = HalvingConvolution(inputs, outputs, 1, activate=False)
        self.limit = math.inf if clamp is None else clamp

    def forward(self, features: Tensor) -> Tensor:  # [B, inputs, H, W] -> [B, outputs, H/2, W/2]
        """The sum of both branches at unit variance."""
        inner = self.conv0(features).clamp(-self.limit, self.limit)
        branch = self.conv1(inner).clamp(-self.limit, self.limit)
        skipped = self.skip(features).clamp(-self.limit, self.limit)
        return (branch + skipped) * math.sqrt(0.5)


class StyleGAN2Discriminator(Discriminator):
    """StyleGAN2's discriminator as published, behind the interface of our own."""

    shape: StyleGAN2DiscriminatorShape
    architecture: ClassVar[str] = "stylegan2"

    def _block(self, inputs: int, outputs: int) -> nn.Module:
        return SmoothedResidualBlock(inputs, outputs, self.shape.clamp)

    def _width(self) -> int:
        return self.shape.channels[0]

    def _limit(self, features: Tensor) -> Tensor:
        limit = self.shape.clamp
        return features if limit is None else torch.clamp(features, -limit, limit)
