"""The projection of features to colours, an own weight for every image."""

from typing import Any

import torch
from torch import Tensor


def projected(
    features: Tensor,  # [B, C, H, W]
    weight: Tensor,  # [B, 3, C]
    bias: Tensor,  # [3]
) -> Tensor:  # [B, 3, H, W]
    """Weighted sums of each pixel's channels, in the features' precision."""
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
