"""StyleGAN2 exactly as published, for imported checkpoints (Karras et al. 2020, section 2).

The generator differs from our own light one in three points. An upsampling convolution spreads its
input first and then smooths it with the filter [1, 3, 3, 1]. The image so far is enlarged by that
filter, with zeros beyond the border. The projection to colours of one resolution shares its code
with the next resolution's first convolution; the cut between the two codes counts these codes, so
that the first `view_layers` of them are the paper's view layers (Zhang et al. 2021, section 3.1).

The discriminator differs in how it halves the side: smoothed with [1, 3, 3, 1], then convolved at
every second pixel.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.discriminator import PUBLISHED_GROUP, Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape, StyleLayer
from train.models.layers import EqualisedConvolution
from train.models.modulation import ModulatedConvolution

FIR_TAPS = (1.0, 3.0, 3.0, 1.0)  # one row of the separable smoothing filter (StyleGAN2)
FIR = torch.outer(torch.tensor(FIR_TAPS), torch.tensor(FIR_TAPS)) / sum(FIR_TAPS) ** 2
"""[4, 4], summing to one."""


def published_channels(size: int, total: int = 32768, most: int = 512) -> tuple[int, ...]:
    """Channels of 4, 8, … `size`: `total` over the side, at most `most` (StyleGAN2, config. F)."""
    sides = (2**power for power in range(2, size.bit_length()))
    return tuple(min(total // side, most) for side in sides)


@dataclass(frozen=True)
class StyleGAN2Shape(GeneratorShape):
    """What the weights of a generator of the published form depend on."""

    size: int = 256
    code: int = 512
    mapping_layers: int = 8
    clamp: float | None = None
    """Largest magnitude of every layer's output (StyleGAN2-ADA's `conv_clamp`); None: no limit."""

    def __post_init__(self) -> None:
        if not self.channels:
            object.__setattr__(self, "channels", published_channels(self.size))
        super().__post_init__()
        if self.clamp is not None and not self.clamp > 0:
            raise ValueError(f"clamp={self.clamp}: above 0, or none")


def smooth(features: Tensor, channels: int, padding: int, gain: float = 1.0) -> Tensor:
    """Filter every channel with FIR: [B, C, H, W] -> [B, C, H + 2·padding - 3, W + 2·padding - 3].

    Zeros lie beyond the border. `channels` is C, which an exported graph has to know beforehand.
    """
    kernel = (FIR * gain).to(features).expand(channels, 1, 4, 4)
    return F.conv2d(features, kernel, padding=padding, groups=channels)


class SmoothedConvolution(ModulatedConvolution):
    """With `upsample`: the transposed convolution, then the filter, as published.

    The gain of 4 makes up for the zeros that the transposed convolution puts between pixels.
    """

    def __init__(self, inputs: int, outputs: int, *, upsample: bool = False) -> None:
        super().__init__(inputs, outputs, upsample=upsample)
        self.outputs = outputs

    def convolve(self, features: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H', W'], where H' = 2H when upsampling."""
        if not self.upsample:
            return super().convolve(features)
        weight = (self.weight * self.gain).transpose(0, 1)
        spread = F.conv_transpose2d(features, weight, stride=2)  # [B, outputs, 2H + 1, 2W + 1]
        return smooth(spread, self.outputs, padding=1, gain=4.0)


class StyleGAN2Generator(Generator):
    """StyleGAN2 as published, behind the interface of our own generator."""

    shape: StyleGAN2Shape
    architecture: ClassVar[str] = "stylegan2"
    shape_class: ClassVar[type[GeneratorShape]] = StyleGAN2Shape
    convolution: ClassVar[type[ModulatedConvolution]] = SmoothedConvolution

    def _style_layers(self, inputs: tuple[int, ...]) -> list[StyleLayer]:
        """In the order of their codes: colours of one block go with the next block's conv0."""
        layers = []
        for index, (before, after) in enumerate(zip(inputs, self.shape.channels, strict=True)):
            side = 4 * 2**index
            if index > 0:
                layers.append(StyleLayer(f"b{side}.conv0", before, 2 * index - 1))
            layers.append(StyleLayer(f"b{side}.conv1", after, 2 * index))
            layers.append(StyleLayer(f"b{side}.to_rgb", after, 2 * index + 1))
        return layers

    def _enlarge(self, image: Tensor, index: int) -> Tensor:
        kernel = (FIR * 4.0).to(image).expand(3, 1, 4, 4)
        return F.conv_transpose2d(image, kernel, stride=2, padding=1, groups=3)

    def _limit(self, features: Tensor) -> Tensor:
        limit = self.shape.clamp
        return features if limit is None else features.clamp(-limit, limit)


@dataclass(frozen=True)
class StyleGAN2DiscriminatorShape(DiscriminatorShape):
    """What the weights of a discriminator of the published form depend on."""

    size: int = 256
    patch: int = 1
    clamp: float | None = None
    """Largest magnitude of every convolution's output but the skips' (StyleGAN2-ADA); None: no
    limit."""
    group: int = PUBLISHED_GROUP
    """Images that the minibatch standard deviation is taken over."""

    def __post_init__(self) -> None:
        if not self.channels:
            object.__setattr__(self, "channels", published_channels(self.size))
        super().__post_init__()
        if self.patch != 1:
            raise ValueError(f"patch={self.patch}: the published form reads single pixels")
        if self.group < 1:
            raise ValueError(f"group={self.group}: at least 1 image")
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
        # The published skip has no limit: nothing is added up in it that could overflow.
        return (branch + self.skip(features)) * math.sqrt(0.5)


class StyleGAN2Discriminator(Discriminator):
    """StyleGAN2's discriminator as published, behind the interface of our own."""

    shape: StyleGAN2DiscriminatorShape
    architecture: ClassVar[str] = "stylegan2"
    shape_class: ClassVar[type[DiscriminatorShape]] = StyleGAN2DiscriminatorShape

    def _block(self, inputs: int, outputs: int) -> nn.Module:
        return SmoothedResidualBlock(inputs, outputs, self.shape.clamp)

    def _width(self) -> int:
        return self.shape.channels[0]

    def _group(self) -> int:
        return self.shape.group

    def _limit(self, features: Tensor) -> Tensor:
        limit = self.shape.clamp
        return features if limit is None else torch.clamp(features, -limit, limit)
