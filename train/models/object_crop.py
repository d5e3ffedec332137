"""The object of an image, cut out tightly and resized: by products of matrices alone, which every
runtime of the exported graph computes."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import DISTANCE, OFFSET_X
from graphics.frames import FRAME, LARGEST_FILL

FILL = 0.88
"""Share of the square's side that the longer side of the object's box takes."""
LARGEST = 1.5
"""Squares are at most so many times as wide as the image."""


class Squares(NamedTuple):
    """Where B objects are in their images, in pixels."""

    across: Tensor  # [B] middle
    down: Tensor  # [B] middle
    sides: Tensor  # [B]
    frames: Tensor  # [B] sides that the service would frame them with

    def placed(self, cameras: Tensor, pixels: int) -> Tensor:  # both [B, 5]
        """Cameras of the whole images, whose sides are so many pixels, by those of the objects as
        the service would frame them."""
        share = self.frames / pixels
        middles = torch.stack((self.across, pixels - self.down), dim=1) * (2 / pixels) - 1
        offsets = cameras[:, OFFSET_X:] * share[:, None] + middles
        distances = cameras[:, DISTANCE] / share
        return torch.cat((cameras[:, :DISTANCE], distances[:, None], offsets), dim=1)

    def moved(self, zooms: Tensor, shifts: Tensor) -> "Squares":
        """Squares so many times as large [B], their middles moved by shares of a side [B, 2]."""
        across, down = (shifts * self.sides[:, None]).unbind(1)
        return Squares(self.across + across, self.down + down, self.sides * zooms, self.frames)


def squares_around(masks: Tensor) -> Squares:
    """Of the objects of masks [B, R, R] in 0..1, where these exceed 0.5; an empty mask's is the
    image."""
    inside = (masks > 0.5).to(masks)
    left, right = _ends(inside.amax(dim=1))
    top, bottom = _ends(inside.amax(dim=2))
    width, height = right - left, bottom - top
    longer = torch.maximum(width, height)
    frames = torch.maximum(FRAME * (width * height).sqrt(), longer / LARGEST_FILL)
    return Squares((left + right) / 2, (top + bottom) / 2, longer / FILL, frames)


def cropped(images: Tensor, squares: Squares, side: int) -> Tensor:
    """Those squares of images [B, C, R, R], as [B, C, side, side], zero beyond the images.

    Neighbouring pixels are averaged where a square is made smaller.
    """
    pixels = images.shape[-1]
    across = _weights(squares.across, squares.sides, pixels, side)
    down = _weights(squares.down, squares.sides, pixels, side)
    return down[:, None] @ images @ across[:, None].transpose(2, 3)


def _ends(lines: Tensor) -> tuple[Tensor, Tensor]:  # 0 or 1 [B, R] -> [B] in pixels, twice
    """Where what is 1 begins and ends; the whole line where nothing is."""
    pixels = lines.shape[-1]
    places = torch.arange(pixels, device=lines.device, dtype=lines.dtype)
    first = torch.where(lines > 0, places, pixels).amin(dim=1)
    last = torch.where(lines > 0, places + 1, 0.0).amax(dim=1)
    empty = last == 0
    return torch.where(empty, 0.0, first), torch.where(empty, float(pixels), last)


def _weights(middles: Tensor, sides: Tensor, pixels: int, side: int) -> Tensor:
    """What each pixel of a line counts for each of a square's, [B, side, pixels]: a triangle, as
    wide as the larger of the two kinds of pixels."""
    step = sides / side
    places = torch.arange(side, device=step.device, dtype=step.dtype) + 0.5 - side / 2
    wanted = middles[:, None] + places * step[:, None]
    given = torch.arange(pixels, device=step.device, dtype=step.dtype) + 0.5
    width = step.clamp(min=1.0)[:, None, None]
    weights = F.relu(1 - (wanted[:, :, None] - given).abs() / width)
    # Of all pixels that there could be, so that it gets darker beyond the image's border.
    reach = int(LARGEST * pixels / side) + 2
    near = torch.arange(-reach, reach + 1, device=step.device, dtype=step.dtype)
    apart = wanted - wanted.floor() - 0.5
    whole = F.relu(1 - (apart[:, :, None] - near).abs() / width).sum(2, keepdim=True)
    return weights / whole
