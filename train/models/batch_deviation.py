"""The minibatch standard deviation, which shows a discriminator how varied a batch is.

From Karras et al. 2018, "Progressive growing of GANs", section 3, with a gradient of its own.
"""

import math
from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-8  # guard of the root


def minibatch_deviation(
    features: Tensor,  # [B, C, H, W]
    group: int = 4,
    batches: int = 1,
) -> Tensor:  # [B, 1, H, W], float32 if not float64
    """Mean standard deviation within groups of a batch.

    A group holds the images `i, i + B/group, …`; the last batch may be smaller than a group. Of
    several batches, one after the other in `features`, each is grouped by itself.

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
