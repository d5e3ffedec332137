"""Layers of the image GAN, written from StyleGAN2's equations (Karras et al. 2020, section 2).

The activation's gain √2 is folded into the factors before it, which the leaky ReLU allows because
it is positively homogeneous.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

ACTIVATION_GAIN = math.sqrt(2.0)  # keeps unit variance through a leaky ReLU (StyleGAN2)
LEAKY_SLOPE = 0.2  # negative slope of every activation (StyleGAN2)
EPSILON = 1e-8  # guard of every division by a root of squares (StyleGAN2)


class EqualisedLinear(nn.Module):
    """Fully connected layer whose weights are stored at unit variance and scaled when used.

    `rate` is the learning-rate multiplier: 0.01 in mapping networks (StyleGAN2, appendix B).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: float = 0.0,
        rate: float = 1.0,
        activate: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        gain = ACTIVATION_GAIN if activate else 1.0
        self.weight_gain = gain * rate / math.sqrt(inputs)
        self.bias_gain = gain * rate
        self.activate = activate

    def forward(self, features: Tensor) -> Tensor:  # [B, inputs] -> [B, outputs]
        """Weighted sum, and the leaky ReLU when `activate`."""
        outputs = F.linear(features, self.weight * self.weight_gain, self.bias * self.bias_gain)
        return F.leaky_relu(outputs, LEAKY_SLOPE) if self.activate else outputs


class EqualisedConvolution(nn.Module):
    """Convolution with weights stored at unit variance; same padding divided by the stride."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        activate: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if activate else None
        self.gain = (ACTIVATION_GAIN if activate else 1.0) / math.sqrt(inputs * kernel**2)
        self.stride = stride
        self.padding = (kernel - stride + 1) // 2

    def forward(self, features: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H/stride, W/stride]; activated when `activate`."""
        weight = self.weight * self.gain
        if self.bias is None:
            return F.conv2d(features, weight, None, self.stride, self.padding)
        bias = self.bias * ACTIVATION_GAIN
        outputs = F.conv2d(features, weight, bias, self.stride, self.padding)
        return F.leaky_relu_(outputs, LEAKY_SLOPE)


def channels_last(network: Network, device: torch.device | None = None) -> Network:
    """The network itself, on the device, with the memory order that convolutions are fast in."""
    # Its overloads lack the memory format.
    return network.to(device=device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def as_given(device: torch.device) -> AbstractContextManager[object]:
    """Inside, operations take the precision of what they are given: autocast changes none."""
    kind = device.type
    lowered = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return torch.autocast(kind, enabled=False) if lowered else nullcontext()


def upsample(images: Tensor) -> Tensor:  # [B, C, H, W] -> [B, C, 2H, 2W]
    """Double both sides bilinearly."""
    # autocast would do this in float32, and what comes after it up to the next convolution too.
    with as_given(images.device):
        return F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)


def spread(side: int) -> Tensor:  # [2·side, side]
    """The matrix that doubles a side bilinearly."""
    return F.interpolate(torch.eye(side)[None], scale_factor=2, mode="linear")[0].T.contiguous()


def enlarged(images: Tensor, matrix: Tensor) -> Tensor:  # [B, 3, S, S] -> [B, 3, 2S, 2S]
    """The result of `upsample`, by the matrix [2S, S] of `spread`.

    On a CPU it takes a quarter of the time where there are three channels.
    """
    with as_given(images.device):
        return matrix @ images @ matrix.T


class _Halve(torch.autograd.Function):
    """Means of 2×2 pixels. Backward each is handed to its pixels by the nearest-neighbour
    upsampling, which takes a third of the time of the pooling's own gradient."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        return F.avg_pool2d(images, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return F.interpolate(gradient / 4, scale_factor=2, mode="nearest")


def halve(images: Tensor) -> Tensor:  # [B, C, 2H, 2W] -> [B, C, H, W]
    """The means of 2×2 pixels."""
    return _Halve.apply(images)


def normalise_second_moment(codes: Tensor) -> Tensor:  # [B, D] -> [B, D]
    """Scale each code to unit root mean square (StyleGAN2's pixel norm on z)."""
    return codes * torch.rsqrt(codes.square().mean(dim=1, keepdim=True) + EPSILON)
