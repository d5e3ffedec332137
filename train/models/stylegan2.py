"""The generator exactly as published, for imported checkpoints (Karras et al. 2020, section 2).

It differs from our own light one in three points: an upsampling convolution spreads its input
first and then smooths it with the filter [1, 3, 3, 1]; the image so far is enlarged by the same
filter, with zeros beyond the border; and the projection to colours of one resolution shares its
code with the next resolution's first convolution. The second code's cut counts these codes, so
that the first `view_layers` of them are the paper's view layers (Zhang et al. 2021, section 3.1).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from train.models.generator import Generator, GeneratorShape, StyleLayer
from train.models.layers import ModulatedConvolution

FIR_TAPS = (1.0, 3.0, 3.0, 1.0)  # one row of the separable smoothing filter (StyleGAN2)
FIR = torch.outer(torch.tensor(FIR_TAPS), torch.tensor(FIR_TAPS)) / sum(FIR_TAPS) ** 2
"""[4, 4], summing to one."""
LARGEST_CHANNELS = 512


def published_channels(
    size: int, total: int = 32768, most: int = LARGEST_CHANNELS
) -> tuple[int, ...]:
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


def smooth(
    features: Tensor,  # [B, C, H, W]
    channels: int,
    padding: int,
    gain: float = 1.0,
) -> Tensor:  # [B, C, H + 2·padding - 3, W + 2·padding - 3]
    """Filter every channel with FIR, zeros beyond the border.

    `channels` is C, which an exported graph has to know beforehand.
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

    def convolve(
        self,
        features: Tensor,  # [B, inputs, H, W]
    ) -> Tensor:  # [B, outputs, H', W'], H' = 2H when upsampling
        """The convolution and the upsampling alone."""
        if not self.upsample:
            return super().convolve(features)
        weight = (self.weight * self.gain).transpose(0, 1)
        spread = F.conv_transpose2d(features, weight, stride=2)  # [B, outputs, 2H + 1, 2W + 1]
        return smooth(spread, self.outputs, padding=1, gain=4.0)


class StyleGAN2Generator(Generator):
    """StyleGAN2 as published, behind the interface of our own generator."""

    shape: StyleGAN2Shape
    architecture: ClassVar[str] = "stylegan2"
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
