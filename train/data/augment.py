"""Changes to generated images that bring them nearer to photographs."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Augmented(NamedTuple):
    """Images after `augment`."""

    images: Tensor
    """[B, 3, R, R] in 0..1: what a rendering has to explain."""
    seen: Tensor
    """[B, 3, R, R] in 0..1: what the network sees (with noise)."""
    masks: Tensor
    """[B, R, R] in 0..1."""
    mirrored: Tensor
    """[B] bool: azimuth and horizontal offset change their sign."""


def augment(images: Tensor, masks: Tensor, random: torch.Generator) -> Augmented:
    """Mirror, scale (0.85..1.15), shift (to 8 % of the side) and noise, each image on its own.

    `images`: [B, 3, R, R] in 0..1, `masks`: [B, R, R] in 0..1. The object is mirror-symmetric, so
    a mirrored image is a true view of it from the other side; scale and shift are the camera
    head's distance and offset.
    """
    count = len(images)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=random) * (high - low) + low

    mirrored = torch.rand(count, generator=random) < 0.5
    scale = uniform(1 / 1.15, 1 / 0.85)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0] = torch.where(mirrored, -scale, scale)
    matrix[:, 1, 1] = scale
    matrix[:, 0, 2] = uniform(-0.16, 0.16)
    matrix[:, 1, 2] = uniform(-0.16, 0.16)
    planes = torch.cat((images, masks[:, None]), 1)
    places = F.affine_grid(matrix.to(images), list(planes.shape), align_corners=False)
    border = F.grid_sample(planes[:, :3], places, padding_mode="border", align_corners=False)
    moved_masks = F.grid_sample(planes[:, 3:], places, align_corners=False)[:, 0]
    strength = uniform(0.0, 0.04).to(images)[:, None, None, None]
    noise = torch.randn(border.shape, generator=random).to(images) * strength
    return Augmented(border, (border + noise).clamp(0, 1), moved_masks, mirrored.to(images.device))
