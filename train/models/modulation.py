"""Layers that a style modulates (StyleGAN2, section 2), and the two kernels that make them fast.

A modulated convolution scales its input by the style and its output by the demodulation. One shared
convolution thus serves the whole batch, exactly.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.layers import ACTIVATION_GAIN, EPSILON, LEAKY_SLOPE, as_given, upsample


class ModulatedConvolution(nn.Module):
    """3×3 convolution modulated by a style and demodulated to unit variance.

    With `upsample` the convolution runs before the upsampling, at a quarter of the cost. The
    bilinear upsampling is StyleGAN2's [1, 3, 3, 1] filter away from the border.
    """

    def __init__(self, inputs: int, outputs: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.gain = 1.0 / math.sqrt(inputs * 9)
        self.upsample = upsample

    def demodulation(self, style: Tensor) -> Tensor:  # [B, inputs] -> [B, outputs]
        """The factor that brings each output channel to unit variance (StyleGAN2, eq. 3)."""
        energy = self.weight.square().sum(dim=(2, 3)) * self.gain**2  # [outputs, inputs]
        return torch.rsqrt(style.square() @ energy.T + EPSILON)

    def convolve(self, features: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H', W'], where H' = 2H when upsampling."""
        outputs = F.conv2d(features, self.weight * self.gain, padding=1)
        return upsample(outputs) if self.upsample else outputs

    def forward(
        self,
        features: Tensor,  # [B, inputs, H, W]
        style: Tensor,  # [B, inputs]
        noise: Tensor | None,  # [B or 1, 1, H', W'] unit variance
    ) -> Tensor:  # [B, outputs, H', W'], H' = 2H when upsampling
        """Modulate, convolve, upsample, demodulate, add noise and bias, activate."""
        outputs = self.convolve(features * style.to(features.dtype)[:, :, None, None])
        # The features stay in the convolution's precision, which autocast may have lowered:
        # added to in float32 they would be float32 from here to the next convolution.
        factor = (self.demodulation(style) * ACTIVATION_GAIN).to(outputs.dtype)
        shift = (self.bias * ACTIVATION_GAIN).to(outputs.dtype)
        if noise is None:
            return activated(outputs, factor, shift)
        strength = self.noise_strength * ACTIVATION_GAIN
        outputs = torch.addcmul(shift[None, :, None, None], outputs, factor[:, :, None, None])
        outputs = torch.addcmul(outputs, noise.to(outputs.dtype), strength.to(outputs.dtype))
        return F.leaky_relu_(outputs, LEAKY_SLOPE)


class ToRGB(nn.Module):
    """Modulated 1×1 projection to colours, without demodulation (StyleGAN2, section 2.2).

    The style is multiplied into the weight, which is tiny.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, inputs))
        self.bias = nn.Parameter(torch.zeros(3))
        self.gain = 1.0 / math.sqrt(inputs)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Features [B, inputs, H, W] and styles [B, inputs] -> the image's part [B, 3, H, W]."""
        weight = (self.weight * self.gain) * style[:, None, :]  # [B, 3, inputs]
        with as_given(features.device):
            return projected(features, weight, self.bias)


def activated(features: Tensor, factors: Tensor, shifts: Tensor) -> Tensor:
    """The leaky ReLU of features [B, C, H, W] times factors [B, C] plus shifts [C]."""
    if features.device.type == "cpu" and features.dtype == torch.bfloat16:
        return _ActivatedRows.apply(features, factors, shifts)
    scaled = torch.addcmul(shifts[None, :, None, None], features, factors[:, :, None, None])
    return F.leaky_relu_(scaled, LEAKY_SLOPE)


class _ActivatedRows(torch.autograd.Function):
    """`activated` by whole rows of pixels.

    In bfloat16 a CPU computes 32 neighbours at once, and one by one what is left of them. Where
    the channels lie last, 16 of them are left: each pixel then takes ten times as long.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, factors: Tensor, shifts: Tensor) -> Tensor:
        width = features.shape[3]
        rows = torch.addcmul(shifts.repeat(width), _rows(features), _repeated(factors, width))
        F.leaky_relu_(rows, LEAKY_SLOPE)
        ctx.save_for_backward(features, factors, rows)
        return _pixels(rows, width)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, factors, activations = ctx.saved_tensors
        width = features.shape[3]
        rows = torch.ops.aten.leaky_relu_backward(_rows(gradient), activations, LEAKY_SLOPE, True)
        of_factors = (rows * _rows(features)).sum(dim=1).unflatten(1, (width, -1)).sum(dim=1)
        of_shifts = rows.sum(dim=(0, 1)).unflatten(0, (width, -1)).sum(dim=0)
        return _pixels(rows.mul_(_repeated(factors, width)), width), of_factors, of_shifts


def _rows(features: Tensor) -> Tensor:  # [B, C, H, W] -> [B, H, W·C], a view if channels lie last
    return features.permute(0, 2, 3, 1).flatten(2)


def _pixels(rows: Tensor, width: int) -> Tensor:  # [B, H, W·C] -> [B, C, H, W]
    return rows.unflatten(2, (width, -1)).permute(0, 3, 1, 2)


def _repeated(factors: Tensor, width: int) -> Tensor:  # [B, C] -> [B, 1, W·C]
    return factors.repeat(1, width)[:, None]


def projected(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:  # [B, 3, H, W]
    """Features [B, C, H, W] by weights [B, 3, C] and a bias [3], in the features' precision."""
    weight, bias = weight.to(features.dtype), bias.to(features.dtype)
    return _Projected.apply(features, weight, bias)


class _Projected(torch.autograd.Function):
    """Three output channels are too few for a convolution kernel to be fast: one batched matrix
    product does it.

    Where the features' channels lie last in memory, so do those of their gradient. Autograd's own
    gradient of the product has them first, and whoever takes it up puts it into order: measured on
    a CPU, 4.5 ms where this takes 1.7 (32 images, 16 channels of 64 px in bfloat16).
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(features, weight)
        colours = torch.baddbmm(bias[:, None], weight, features.flatten(2))  # [B, 3, HW]
        return colours.unflatten(2, features.shape[2:])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features, weight = ctx.saved_tensors
        of_colours = gradient.flatten(2)  # [B, 3, HW]
        of_features = (of_colours.mT @ weight).mT.unflatten(2, features.shape[2:])
        of_weight = of_colours @ features.flatten(2).mT
        return of_features, of_weight, of_colours.sum(dim=(0, 2))
