"""Images of a generator from content and view codes, as the data stages need them."""

import torch
import torch.nn.functional as F
from torch import Tensor

from train.models.generator import Generator

BATCH = 64  # images generated at once, of up to 64 px; fewer where they are larger


def sample_contents(
    generator: Generator, count: int, truncation: float, rng: torch.Generator
) -> Tensor:  # [count, code]
    """Content codes w, moved towards their mean by `truncation` (1: not at all)."""
    z = torch.randn((count, generator.shape.code), generator=rng)
    with torch.no_grad():
        return generator.mapping(z.to(generator.constant.device), truncation)


@torch.inference_mode()
def generate(
    generator: Generator,
    contents: Tensor,  # [B, code]
    views: Tensor,  # [B, code]
    size: int | None = None,
) -> Tensor:  # [B, 3, R, R] in 0..1
    """One image per pair of codes, without noise: the same codes always give the same image.

    `size`: the R to give, by means of pixels, where it is less than the generator's.
    """
    device = generator.constant.device
    batch = max(1, min(BATCH, BATCH * 64**2 // generator.shape.size**2))
    parts = []
    pairs = (codes.to(device).split(batch) for codes in (contents, views))
    for content, view in zip(*pairs, strict=True):
        images = (generator.synthesize(generator.styles(content, view), noise=None) + 1) / 2
        images = images.clamp(0, 1)
        if size is not None and size < images.shape[-1]:
            images = F.interpolate(images, size=(size, size), mode="area")
        parts.append(images)
    return torch.cat(parts)


@torch.inference_mode()
def generate_grid(
    generator: Generator,
    contents: Tensor,  # [C, code]
    views: Tensor,  # [K, code]
    size: int | None = None,
) -> Tensor:  # [K * C, 3, R, R] in 0..1
    """Every view code with every content code; the contents change fastest. `size`: as above."""
    views = views.repeat_interleave(len(contents), dim=0)
    return generate(generator, contents.repeat(len(views) // len(contents), 1), views, size)


def as_pixels(images: Tensor) -> Tensor:  # [B, 3, R, R] in 0..1 -> uint8 [B, R, R, 3]
    """The bytes that are stored."""
    return (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu()
