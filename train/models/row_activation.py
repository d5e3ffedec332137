"""What follows a modulated convolution: demodulation, bias and leaky ReLU."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

LEAKY_SLOPE = 0.2  # negative slope of every activation (StyleGAN2)


def activated(
    features: Tensor,  # [B, C, H, W]
    factors: Tensor,  # [B, C]
    shifts: Tensor,  # [C]
) -> Tensor:  # [B, C, H, W]
    """The leaky ReLU of every channel of every image times its factor, and its shift added."""
    if features.device.type == "cpu" and features.dtype == torch.bfloat16:
        return _ActivatedRows.apply(features, factors, shifts)
    scaled = torch.addcmul(shifts[None, :, None, None], features, factors[:, :, None, None])
    return F.leaky_relu_(scaled, LEAKY_SLOPE)


class _ActivatedRows(torch.autograd.Function):
    """The same by whole rows of pixels.

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


def _rows(
    features: Tensor,  # [B, C, H, W]
) -> Tensor:  # [B, H, W·C], in the same memory if the channels lie last there
    return features.permute(0, 2, 3, 1).flatten(2)


def _pixels(rows: Tensor, width: int) -> Tensor:  # [B, H, W·C] -> [B, C, H, W]
    return rows.unflatten(2, (width, -1)).permute(0, 3, 1, 2)


def _repeated(factors: Tensor, width: int) -> Tensor:  # [B, C] -> [B, 1, W·C]
    return factors.repeat(1, width)[:, None]
