"""Adaptive discriminator augmentation (Karras et al. 2020, "Training GANs with limited data").

All that the discriminator sees, photographs and fakes alike, is changed at random. Each kind of
change happens to an image with probability p, and p follows how far the discriminator overfits. As
long as each change leaves some images as they are, the generator has to match the photographs and
not their changed copies (section 2.2 there).

With cameras only changes whose camera is known are made: a mirrored image goes with the mirrored
camera, and a scaled one with another distance. Rolling and squeezing the image would show a view
that no camera has.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from graphics.camera import DISTANCE
from train.data.stream import RealBatch, mirrored_cameras
from train.running.device import Device

ADJUST_EVERY = 4  # steps between two changes of p (section 3 there)
SCALE_STD = 0.2 * math.log(2)
"""Standard deviation of the logarithm of both scalings (appendix B there, as all that follow)."""
SHIFT_STD = 0.125  # in image sides
BRIGHTNESS_STD = 0.2  # for pixels in [-1, 1]
CONTRAST_STD, SATURATION_STD = 0.5 * math.log(2), math.log(2)  # in the logarithm
GREY = torch.full((3,), 1 / math.sqrt(3.0))  # the direction of equal colours


class Changes(NamedTuple):
    """The changes of each image of a batch."""

    affine: Tensor
    """[B, 2, 3]: maps a point of the new image to the old one, in [-1, 1], x right, y down."""
    colours: Tensor  # [B, 3, 4]: factors of red, green and blue, and what is added
    mirrored: Tensor  # bool [B]


def sample_changes(
    batch: int, probability: float, rng: torch.Generator, *, with_cameras: bool
) -> Changes:
    """Changes of `batch` images, each kind sampled independently.

    `with_cameras` leaves out changes that no camera shows.
    """
    dice = _Dice(batch, probability, rng)
    mirrored = dice.happens(probability / 2)  # half of all flips leave the image as it is
    flip = torch.where(mirrored, -1.0, 1.0)
    scale = torch.exp(dice.normal(SCALE_STD))
    moved = _matrices([[flip * scale, 0, 0], [0, scale, 0]])
    # Two rotations, each so rare that the image is rotated at all with probability p.
    seldom = 1 - math.sqrt(1 - probability)
    first, second = dice.angle(seldom), dice.angle(seldom)
    squeeze = torch.exp(dice.normal(SCALE_STD))
    if not with_cameras:
        moved = _matrices([[squeeze, 0, 0], [0, 1 / squeeze, 0]]) @ _rotations(first) @ moved
        moved = _rotations(second) @ moved
    shift = dice.normal(2 * SHIFT_STD, columns=2)  # images are two wide here
    moved = _matrices([[1, 0, shift[:, 0]], [0, 1, shift[:, 1]]]) @ moved
    return Changes(torch.linalg.inv(moved)[:, :2], _sample_colours(dice), mirrored)


def change(images: Tensor, changes: Changes) -> Tensor:  # [B, 3, R, R] in [-1, 1] -> [B, 3, R, R]
    """The changed images, differentiable once; beyond the border they are reflected."""
    affine, colours = changes.affine.to(images.device), changes.colours.to(images.device)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, "bicubic", "reflection", align_corners=False)
    pixels = torch.einsum("bij,bjhw->bihw", colours[:, :, :3], moved)
    pixels = pixels + colours[:, :, 3, None, None]
    return pixels.contiguous(memory_format=torch.channels_last)


class AdaptiveAugmentation:
    """The probability p of each change, adapted to how far the discriminator overfits."""

    def __init__(self, target: float, kimg: float, batch_size: int, device: Device) -> None:
        """`target`: mean sign of the photographs' logits to reach; `kimg`: thousands of images in
        which p can go from 0 to 1."""
        self.target, self.device = target, device
        self.stride = ADJUST_EVERY * batch_size / (1_000 * kimg)
        self.probability = 0.0
        self.signs = torch.zeros(2, device=device.device)  # their sum, and how many

    @torch.no_grad()
    def adjust(self, step: int, real_logits: Tensor) -> None:
        """Record the photographs' logits; every few steps move p by one stride.

        Signs above `target` mean that the discriminator overfits: p grows (section 3 there).
        """
        self.signs[0] += real_logits.sign().sum()
        self.signs[1] += len(real_logits)
        if (step + 1) % ADJUST_EVERY:
            return
        self.device.average([self.signs])
        total, count = self.signs.tolist()
        way = 1 if total / count > self.target else -1
        self.probability = min(max(self.probability + way * self.stride, 0.0), 1.0)
        self.signs.zero_()

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {"probability": self.probability, "signs": self.signs.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state of `state_dict`."""
        self.probability = state["probability"]
        self.signs.copy_(state["signs"])


def seen(images: Tensor, cameras: Tensor | None, changes: Changes) -> RealBatch:
    """The images [B, 3, R, R] changed, with the cameras [B, 5] that they then have."""
    if cameras is not None:
        mirrored = changes.mirrored.to(cameras.device)[:, None]
        cameras = torch.where(mirrored, mirrored_cameras(cameras), cameras)
        # Without rotations a matrix says how many times as far away the object now looks.
        cameras[:, DISTANCE] *= changes.affine[:, 1, 1].to(cameras)
    return RealBatch(change(images, changes), cameras)


class _Dice:
    """Samples one number per image; the neutral one where the change does not happen."""

    def __init__(self, batch: int, probability: float, rng: torch.Generator) -> None:
        self.batch, self.probability, self.rng = batch, probability, rng

    def happens(self, probability: float) -> Tensor:  # bool [B]
        return torch.rand(self.batch, generator=self.rng) < probability

    def normal(self, std: float, columns: int = 1) -> Tensor:  # [B], or [B, columns]
        values = torch.randn((self.batch, columns), generator=self.rng) * std
        values = values * self.happens(self.probability)[:, None]
        return values if columns > 1 else values[:, 0]

    def angle(self, probability: float) -> Tensor:  # [B] radians
        angles = (torch.rand(self.batch, generator=self.rng) * 2 - 1) * math.pi
        return angles * self.happens(probability)


def _sample_colours(dice: _Dice) -> Tensor:  # [B, 3, 4]
    """Brightness, contrast, luma flip, hue and saturation, in this order."""
    brightness = dice.normal(BRIGHTNESS_STD)
    contrast = torch.exp(dice.normal(CONTRAST_STD))
    inverted = dice.happens(dice.probability / 2)
    hue = dice.angle(dice.probability)
    saturation = torch.exp(dice.normal(SATURATION_STD))
    grey = torch.outer(GREY, GREY)
    coloured = torch.eye(3) - grey
    quarter = torch.linalg.cross(GREY.expand(3, 3), torch.eye(3)).T  # turns hues by 90°
    # Brightness lies along grey, which only the luma flip inverts.
    luma = torch.where(inverted, -1.0, 1.0)
    hues = hue.cos()[:, None, None] * coloured + hue.sin()[:, None, None] * quarter
    factors = luma[:, None, None] * grey + saturation[:, None, None] * hues
    factors = factors * contrast[:, None, None]
    added = (luma * contrast * brightness)[:, None].expand(-1, 3)
    return torch.cat([factors, added[:, :, None]], dim=2)


def _matrices(rows: list[list[Tensor | float]]) -> Tensor:  # [B, 3, 3]
    """Homogeneous matrices from their first two rows."""
    numbers = [torch.as_tensor(value, dtype=torch.float32) for row in rows for value in row]
    numbers += [torch.tensor(value) for value in (0.0, 0.0, 1.0)]
    return torch.stack(torch.broadcast_tensors(*numbers), dim=-1).unflatten(-1, (3, 3))


def _rotations(angles: Tensor) -> Tensor:  # [B, 3, 3]
    sine, cosine = angles.sin(), angles.cos()
    return _matrices([[cosine, -sine, 0], [sine, cosine, 0]])
