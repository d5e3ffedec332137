"""Random changes of photographs, so that networks taught on them also read a GAN's images.

A GAN's images differ from the photographs it learned from in sharpness, grain, contrast and
framing; the ranges below are wider than those differences.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

LARGEST_SCALE = 1.3
"""Zoom in and out, uniform in the logarithm."""
LARGEST_SHIFT = 0.15
"""Shift in half image sides."""
LARGEST_GAIN = 1.4
"""Contrast, uniform in the logarithm; a third of it also differs between the channels."""
LARGEST_OFFSET = 0.15
"""Brightness, in 0..1 image units."""
LARGEST_GREYING = 0.5
"""Share of the saturation that may go."""
LARGEST_NOISE = 0.06
"""Standard deviation of the pixel noise, in 0..1 image units."""
BLURRED_SHARE = 0.5
"""Share of images that are blurred, half of them twice."""


class Augmented(NamedTuple):
    """Changed photographs, and what has to change in their labels."""

    images: Tensor
    """[B, 3, R, R] in 0..1."""
    masks: Tensor
    """[B, R, R] in 0..1."""
    mirrored: Tensor
    """bool [B]: left and right are exchanged, so azimuths and x offsets change sign."""


def augment(
    images: Tensor,  # [B, 3, R, R] in 0..1
    masks: Tensor,  # [B, R, R] in 0..1
    generator: torch.Generator,
    colour: float = 1.0,
) -> Augmented:
    """Mirror, zoom, shift, recolour, blur and grain; `colour` scales the recolouring, 0..1."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    images, masks = _move(images, masks, mirrored, generator)
    images = _blur(_recolour(images, generator, colour), generator)
    grain = torch.rand(len(images), 1, 1, 1, generator=generator) * LARGEST_NOISE
    images = images + grain * torch.randn(images.shape, generator=generator)
    return Augmented(images.clamp(0, 1), masks, mirrored)


def _spread(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Uniform in -1..1."""
    return torch.rand(shape, generator=generator) * 2 - 1


def _move(
    images: Tensor, masks: Tensor, mirrored: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    batch = len(images)
    scale = LARGEST_SCALE ** _spread((batch,), generator)
    theta = torch.zeros(batch, 2, 3)
    theta[:, 0, 0] = scale * torch.where(mirrored, -1.0, 1.0)
    theta[:, 1, 1] = scale
    theta[:, :, 2] = _spread((batch, 2), generator) * LARGEST_SHIFT
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    # Reflection continues the background; a mask reflected with it would be a second object, but
    # so is the image there, and a mask that stops at the border would be wrong about its pixels.
    stacked = torch.cat([images, masks[:, None]], dim=1)
    moved = F.grid_sample(stacked, grid, padding_mode="reflection", align_corners=False)
    return moved[:, :3], moved[:, 3]


def _recolour(images: Tensor, generator: torch.Generator, amount: float) -> Tensor:
    batch = len(images)
    common = _spread((batch, 1, 1, 1), generator) + _spread((batch, 3, 1, 1), generator) / 3
    gain = LARGEST_GAIN ** (common * amount)
    offset = _spread((batch, 1, 1, 1), generator) * LARGEST_OFFSET * amount
    greying = torch.rand(batch, 1, 1, 1, generator=generator) * LARGEST_GREYING * amount
    images = torch.lerp(images, images.mean(dim=1, keepdim=True).expand_as(images), greying)
    return (images - 0.5) * gain + 0.5 + offset


def _blur(images: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.rand(len(images), 1, 1, 1, generator=generator)
    once = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    twice = F.avg_pool2d(F.pad(once, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    blurred = torch.where(drawn < BLURRED_SHARE / 2, twice, once)
    # Half-way blends give the widths between a 3-pixel and no blur.
    share = torch.rand(len(images), 1, 1, 1, generator=generator)
    return torch.where(drawn < BLURRED_SHARE, torch.lerp(images, blurred, share), images)
