"""The residual discriminator of StyleGAN2, with a camera projection if camera-conditioned."""

import itertools
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from train.models.camera_features import camera_features, camera_layer
from train.models.generator import default_channels
from train.models.layers import EPSILON, EqualisedConvolution, EqualisedLinear, halve

PUBLISHED_GROUP = 4
"""Images that the minibatch standard deviation is taken over (StyleGAN2's default)."""
WIDTH = 128  # numbers in the code that the logit is read from, in our own discriminator


@dataclass(frozen=True)
class DiscriminatorShape:
    """What a discriminator's weights depend on; stored with them."""

    size: int = 64  # side of the image in pixels, a power of two
    channels: tuple[int, ...] = ()
    """Channels of the resolutions 4, 8, … size/patch; empty: the default ones."""
    patch: int = 0
    """Side of the pixel patch the stem reads at once; 0: 2 from 64 px on, else 1.

    At 2 the most expensive resolution is left out: measured, a third of the discriminator's time.
    """
    camera_conditioned: bool = False

    def __post_init__(self) -> None:
        if not self.patch:
            object.__setattr__(self, "patch", 2 if self.size >= 64 else 1)
        if not self.channels:
            object.__setattr__(self, "channels", default_channels(self.size // self.patch))
        if 4 * 2 ** (len(self.channels) - 1) * self.patch != self.size:
            raise ValueError(
                f"size {self.size} with patch {self.patch} and {len(self.channels)} channel "
                "counts: there must be one for each of 4, 8, … size/patch"
            )


class ResidualBlock(nn.Module):
    """Two convolutions and a skip, halving the side; pooled before the second one, for speed."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = EqualisedConvolution(inputs, inputs, 3)
        self.conv1 = EqualisedConvolution(inputs, outputs, 3)
        self.skip = EqualisedConvolution(inputs, outputs, 1, activate=False)

    def forward(self, features: Tensor) -> Tensor:  # [B, inputs, H, W] -> [B, outputs, H/2, W/2]
        """The sum of both branches at unit variance."""
        skipped = self.skip(halve(features))
        branch = self.conv1(halve(self.conv0(features)))
        return (branch + skipped) * math.sqrt(0.5)


class CameraEmbedding(nn.Module):
    """Cameras → vectors that the image's code is projected on (Miyato & Koyama 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(camera_layer(width), EqualisedLinear(width, width))

    def forward(self, cameras: Tensor) -> Tensor:  # [B, 5], nan where unlabelled -> [B, width]
        """The vectors, from azimuth, elevation and distance."""
        return self.layers(camera_features(cameras))


class Discriminator(nn.Module):
    """Real or generated, and whether the image fits the camera."""

    architecture: ClassVar[str] = "light"
    """Pools before convolving; the published form is `train.models.stylegan2`."""
    shape_class: ClassVar[type[DiscriminatorShape]] = DiscriminatorShape

    def __init__(self, shape: DiscriminatorShape) -> None:
        super().__init__()
        self.shape = shape
        self.camera_conditioned = shape.camera_conditioned  # it judges an image with its camera
        wide = shape.channels[::-1]
        self.stem = EqualisedConvolution(3, wide[0], shape.patch, stride=shape.patch)
        self.blocks = nn.ModuleList(self._block(*pair) for pair in itertools.pairwise(wide))
        self.last = EqualisedConvolution(wide[-1] + 1, wide[-1], 3)
        width = self._width()
        self.code = EqualisedLinear(wide[-1] * 16, width, activate=True)
        self.logit = EqualisedLinear(width, 1)
        self.camera = CameraEmbedding(width) if shape.camera_conditioned else None

    def _block(self, inputs: int, outputs: int) -> nn.Module:
        return ResidualBlock(inputs, outputs)

    def _width(self) -> int:
        """Numbers in the code that the logit is read from."""
        return WIDTH

    def _group(self) -> int:
        """Images that the minibatch standard deviation is taken over."""
        return PUBLISHED_GROUP

    def _limit(self, features: Tensor) -> Tensor:
        """What the outputs of the stem and of the last convolution pass through; nothing here."""
        return features

    def features(self, images: Tensor) -> list[Tensor]:  # [B, 3, R, R] in [-1, 1] -> [B, C, H, W]
        """Feature maps of the stem and of every block, from fine to 4×4."""
        maps = [self._limit(self.stem(images.contiguous(memory_format=torch.channels_last)))]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps

    def forward(
        self,
        images: Tensor,  # [B, 3, R, R] in [-1, 1]
        cameras: Tensor | None = None,  # [B, 5], with a camera-conditioned discriminator only
        batches: int = 1,
    ) -> Tensor:  # [B]
        """Logits, high for real; each of `batches` consecutive batches is judged by itself."""
        if (cameras is None) == self.camera_conditioned:
            has, wants = ("no cameras", "a") if cameras is None else ("cameras", "no")
            raise ValueError(f"got {has}, but this is {wants} camera-conditioned discriminator")
        features = self.features(images)[-1]
        deviation = minibatch_deviation(features, self._group(), batches).to(features.dtype)
        last = self._limit(self.last(torch.cat([features, deviation], dim=1)))
        code = self.code(last.flatten(1))
        logits = self.logit(code)[:, 0]
        if cameras is None or self.camera is None:
            return logits
        return logits + (code * self.camera(cameras)).sum(dim=1) / math.sqrt(code.shape[1])


def minibatch_deviation(features: Tensor, group: int = PUBLISHED_GROUP, batches: int = 1) -> Tensor:
    """Mean standard deviation within groups of a batch (Karras et al. 2018, section 3).

    [B, C, H, W] -> [B, 1, H, W], float32 if not float64.
    It shows the discriminator how varied a batch is. A group holds the images `i, i + B/group, …`;
    the last batch may be smaller than a group. Of several batches, one after the other in
    `features`, each is grouped by itself.

    Backward each image answers for its group's deviation by its own logit, as if all members had
    that one, and not by the logits of all. So no logit's gradient reaches another image, and two
    losses of the logits go back to an image alike but for one factor: one pass back serves both.
    """
    size, (_, _, height, width) = len(features) // batches, features.shape
    group = math.gcd(size, group)
    grouped = features.reshape(batches, group, size // group, -1).transpose(1, 2).flatten(0, 1)
    wide = torch.promote_types(features.dtype, torch.float32)
    deviation = _Deviation.apply(grouped.to(wide)).unflatten(0, (batches, -1))
    return deviation.transpose(1, 2).reshape(-1, 1, 1, 1).expand(-1, 1, height, width)


class _Deviation(torch.autograd.Function):
    """[groups, members, F] → [groups, members]: each one the whole group's."""

    @staticmethod
    def forward(ctx: Any, grouped: Tensor) -> Tensor:
        ctx.save_for_backward(grouped)
        deviation = (_residuals(grouped).square().mean(dim=1) + EPSILON).sqrt()  # [groups, F]
        return deviation.mean(dim=1, keepdim=True).expand(grouped.shape[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        residuals = _residuals(*ctx.saved_tensors)
        variance = residuals.square().mean(dim=1, keepdim=True)
        slope = residuals * (variance + EPSILON).rsqrt() / residuals.shape[2]
        return gradient[:, :, None] * slope


def _residuals(grouped: Tensor) -> Tensor:
    return grouped - grouped.mean(dim=1, keepdim=True)
