"""Random changes of images, so that networks trained on photographs also work on a GAN's images,
and those trained on a GAN's images also work on photographs.

The two differ in sharpness, grain, contrast and framing; the ranges below are wider than that.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.frames import FRAME, LARGEST_FILL


class BatchRandom:
    """Random numbers of the images of this process's shard, sampled for the whole batch.

    What becomes of an image thus does not depend on how many processes share the batch.
    """

    def __init__(self, generator: torch.Generator, count: int, own: Tensor | None = None) -> None:
        """`count`: images of the whole batch, B; `own`: int [N], the shard; default: all."""
        self.generator, self.count, self.own = generator, count, own

    def uniform(self, *shape: int) -> Tensor:  # [N, *shape]
        """In 0..1."""
        return self._taken(torch.rand(self.count, *shape, generator=self.generator))

    def spread(self, *shape: int) -> Tensor:  # [N, *shape]
        """Uniform in -1..1."""
        return self.uniform(*shape) * 2 - 1

    def normal(self, *shape: int) -> Tensor:  # [N, *shape]
        """Of unit variance; other images cost a seed each, for these numbers are many."""
        seeds = self._taken(torch.randint(2**62, (self.count,), generator=self.generator))
        numbers, generator = torch.empty(len(seeds), *shape), torch.Generator()
        for image, seed in zip(numbers, seeds.tolist(), strict=True):
            image.normal_(generator=generator.manual_seed(seed))
        return numbers

    def _taken(self, numbers: Tensor) -> Tensor:
        return numbers if self.own is None else numbers[self.own]


LARGEST_SCALE = 1.3  # zoom in and out, uniform in the logarithm
LARGEST_VIEW_SCALE = 1.15  # zoom of views of one object, whose framing a network has to estimate
LARGEST_FRAME_SCALE = 1.22  # zoom of objects that are cut out
LARGEST_FRAME_SHIFT = 0.10  # their shift, in half sides of the frame
TIGHT_FILL = 0.75  # share of a tight frame's side that the object takes, before the zoom
TIGHT_MOVEMENT = 1 / 3  # share of turns and stretches where a camera is all that is learned
TIGHT_BLUR = 0.4  # share of the blurred ones that are blurred there
LARGEST_TURN = 0.09  # radians that they are turned by in the image
LARGEST_STRETCH = 0.05  # by how much they are wider and lower, or narrower and higher
FRAYS = 12  # waves of a frayed edge along a side
LARGEST_FRAYING = 0.35
FRAYED_FRACTION = 0.6
HIDDEN_FRACTION = 0.2
LARGEST_SHIFT = 0.15  # shift in half image sides
LARGEST_GAIN = 1.4
"""Contrast, uniform in the logarithm; a third of it also differs between the channels."""
LARGEST_OFFSET = 0.15  # brightness, in 0..1 image units
LARGEST_GREYING = 0.5  # largest fraction of the saturation that is removed
LARGEST_NOISE = 0.06  # standard deviation of the pixel noise, in 0..1 image units
BLURRED_FRACTION = 0.5  # fraction of images that are blurred, half of them twice


class Augmented(NamedTuple):
    """Changed images, and what has to change in their labels."""

    seen: Tensor
    """[B, 3, R, R] in 0..1: moved, recoloured, blurred and grained: what a network sees."""
    masks: Tensor
    """[B, R, R] in 0..1, moved."""
    mirrored: Tensor
    """bool [B]: left and right are exchanged, so azimuths and x offsets change sign."""
    images: Tensor
    """[B, 3, R, R] in 0..1, only moved: what a rendering has to explain."""
    distances: Tensor
    """[B]: how many times as far away the object now looks."""


def augment(
    images: Tensor,  # [B, 3, R, R] in 0..1
    masks: Tensor,  # [B, R, R] in 0..1
    random: BatchRandom,  # of these B images
    colour: float = 1.0,
) -> Augmented:
    """Mirror, zoom, shift, recolour, blur and grain; `colour` scales the recolouring, 0..1."""
    mirrored = random.uniform() < 0.5
    grid, distances = _grid(images, mirrored, LARGEST_SCALE, random)
    # Reflection continues the background; a mask reflected with it would be a second object, but
    # so is the image there, and a mask that stops at the border would be wrong about its pixels.
    images, masks = _moved(images, grid, "reflection"), _moved(masks, grid, "reflection")
    seen = _disturbed(images, random, colour)
    return Augmented(seen, masks, mirrored.to(images.device), images, distances)


def augment_views(images: Tensor, masks: Tensor, random: BatchRandom) -> Augmented:
    """Change views of single objects: they stay single, and move less.

    A vehicle is mirror-symmetric, so a mirrored image is a true view of it from the other side;
    zoom and shift are the camera head's distance and offset.
    """
    mirrored = random.uniform() < 0.5
    grid, distances = _grid(images, mirrored, LARGEST_VIEW_SCALE, random)
    images, masks = _moved(images, grid, "border"), _moved(masks, grid, "zeros")
    seen = _disturbed(images, random, 1.0)
    return Augmented(seen, masks, mirrored.to(images.device), images, distances)


def cut_out_views(
    images: Tensor,  # [B, 3, R, R] in 0..1
    masks: Tensor,  # [B, R, R] in 0..1
    random: BatchRandom,  # of these B images
    size: int,  # side of the images that come out
    tight: bool = False,
) -> Augmented:
    """Frame each object as the service frames what it cuts out, nearer or farther by a fifth; or
    tightly, with less around it.

    Beside what `augment_views` changes, they are turned and stretched a little. `masks` of the
    outcome are exact; `ragged` spoils them as a segmenter does.
    """
    mirrored = random.uniform() < 0.5
    centres, sides = _boxes(masks, tight)
    zooms = sides * LARGEST_FRAME_SCALE ** random.spread()
    least = TIGHT_MOVEMENT if tight else 1.0
    angles = random.spread() * LARGEST_TURN * least
    stretch = random.spread() * LARGEST_STRETCH * least
    across = zooms * (1 + stretch) * torch.where(mirrored, -1.0, 1.0)
    down = zooms * (1 - stretch)
    shifts = centres + random.spread(2) * LARGEST_FRAME_SHIFT * zooms[:, None]
    rows = (
        torch.stack((across * angles.cos(), -down * angles.sin(), shifts[:, 0]), dim=1),
        torch.stack((across * angles.sin(), down * angles.cos(), shifts[:, 1]), dim=1),
    )
    grid = F.affine_grid(
        torch.stack(rows, dim=1), [len(images), 1, size, size], align_corners=False
    ).to(images)
    images, masks = _moved(images, grid, "border"), _moved(masks, grid, "zeros")
    seen = _disturbed(images, random, 1.0, TIGHT_BLUR if tight else 1.0)
    return Augmented(seen, masks, mirrored.to(images.device), images, zooms.to(images.device))


def ragged(masks: Tensor, random: BatchRandom) -> Tensor:  # [B, R, R] -> [B, R, R], in 0..1
    """Masks as a segmenter leaves them: some exact, some with frayed edges, some with a piece
    missing where something stands before the object."""
    side = masks.shape[-1]
    noise = F.interpolate(random.normal(1, FRAYS, FRAYS), (side, side), mode="bilinear")[:, 0]
    strength = random.uniform(1, 1) * LARGEST_FRAYING * (random.uniform(1, 1) < FRAYED_FRACTION)
    soft = F.avg_pool2d(F.pad(masks[:, None], (2, 2, 2, 2)), 5, 1)[:, 0]
    frayed = ((soft + (strength * noise).to(masks) - 0.5) * 6 + 0.5).clamp(0, 1)
    masks = torch.where(strength.to(masks) > 0, frayed, masks)
    centres = (torch.arange(side) * 2 + 1) / side - 1
    middles, radius = random.spread(2) * 0.7, 0.05 + 0.2 * random.uniform(1, 1)
    tall = 2 ** (2 * random.spread(1, 1))
    across = (centres - middles[:, :1])[:, None, :] * tall
    down = (centres - middles[:, 1:])[:, :, None]
    hidden = (across**2 + down**2 < radius**2) & (random.uniform(1, 1) < HIDDEN_FRACTION)
    return masks.masked_fill(hidden.to(masks.device), 0.0)


def _boxes(masks: Tensor, tight: bool) -> tuple[Tensor, Tensor]:
    """Middle [B, 2] of each object's box, and half the side [B] of the square that frames it, in
    half image sides; an empty mask's is the whole image."""
    side = masks.shape[-1]
    inside = masks > 0.5
    ends = []
    for lines in (inside.any(dim=1), inside.any(dim=2)):  # columns, rows
        first = lines.int().argmax(dim=1)
        last = side - lines.flip(1).int().argmax(dim=1)
        ends.append((first, torch.where(lines.any(dim=1), last, side)))
    (left, right), (top, bottom) = ends
    width, height = (right - left).float(), (bottom - top).float()
    longer = torch.maximum(width, height)
    framed = torch.maximum(FRAME * (width * height).sqrt(), longer / LARGEST_FILL)
    if tight:
        framed = longer / TIGHT_FILL
    middles = torch.stack((left + right, top + bottom), dim=1) / side - 1
    return middles.cpu(), (framed / side).cpu()


def _disturbed(images: Tensor, random: BatchRandom, colour: float, blur: float = 1.0) -> Tensor:
    """Recoloured, blurred and grained; `colour`, `blur`: how much of that, 0..1."""
    images = _blur(_recolour(images, random, colour), random, BLURRED_FRACTION * blur)
    grain = random.uniform(1, 1, 1) * LARGEST_NOISE
    return (images + (grain * random.normal(*images.shape[1:])).to(images)).clamp(0, 1)


def _grid(
    images: Tensor, mirrored: Tensor, largest_scale: float, random: BatchRandom
) -> tuple[Tensor, Tensor]:
    """Where each pixel comes from, [B, R, R, 2]; how many times as far away that looks, [B]."""
    side = images.shape[-1]
    scale = largest_scale ** random.spread()
    factors = torch.stack((scale * torch.where(mirrored, -1.0, 1.0), scale), dim=1)
    shifts = random.spread(2) * LARGEST_SHIFT
    centres = (torch.arange(side) * 2 + 1) / side - 1
    # F.affine_grid takes a product for every pixel, which changes that turn nothing do not need.
    across, down = (factors[..., None] * centres + shifts[..., None]).to(images).unbind(1)
    columns, rows = across[:, None, :].expand(-1, side, -1), down[..., None].expand(-1, -1, side)
    return torch.stack((columns, rows), dim=-1), scale.to(images.device)


def _moved(planes: Tensor, grid: Tensor, padding: str) -> Tensor:
    """Images [B, 3, R, R] or masks [B, R, R] sampled at `grid` [B, R, R, 2]."""
    stacked = planes if planes.ndim == 4 else planes[:, None]
    moved = F.grid_sample(stacked, grid, padding_mode=padding, align_corners=False)
    return moved if planes.ndim == 4 else moved[:, 0]


def _recolour(images: Tensor, random: BatchRandom, amount: float) -> Tensor:
    common = random.spread(1, 1, 1) + random.spread(3, 1, 1) / 3
    gain = (LARGEST_GAIN ** (common * amount)).to(images)
    offset = (random.spread(1, 1, 1) * LARGEST_OFFSET * amount).to(images)
    greying = random.uniform(1, 1, 1) * LARGEST_GREYING * amount
    images = torch.lerp(
        images, images.mean(dim=1, keepdim=True).expand_as(images), greying.to(images)
    )
    return (images - 0.5) * gain + 0.5 + offset


def _blur(images: Tensor, random: BatchRandom, fraction: float) -> Tensor:
    chance = random.uniform(1, 1, 1).to(images)
    once = _boxed(images)
    twice = _boxed(once)
    blurred = torch.where(chance < fraction / 2, twice, once)
    # Half-way blends give the widths between a 3-pixel and no blur.
    blend = random.uniform(1, 1, 1).to(images)
    return torch.where(chance < fraction, torch.lerp(images, blurred, blend), images)


def _boxed(images: Tensor) -> Tensor:
    """Mean of 3 x 3 pixels; a pooling of three channels takes seven times as long on a CPU."""
    rows = F.pad(images, (0, 0, 1, 1), mode="replicate")
    rows = rows[..., :-2, :] + rows[..., 1:-1, :] + rows[..., 2:, :]
    columns = F.pad(rows, (1, 1, 0, 0), mode="replicate")
    return (columns[..., :-2] + columns[..., 1:-1] + columns[..., 2:]) / 9
