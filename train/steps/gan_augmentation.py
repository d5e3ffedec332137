"""Adaptive discriminator augmentation (Karras et al. 2020, "Training GANs with limited data").

All that the discriminator sees, photographs and fakes alike, is changed at random. Each kind of
change happens to an image with probability p, and p follows how far the discriminator knows the
photographs by heart: as long as each change leaves some images as they are, the generator has to
match the photographs and not their changed copies (section 2.2 there).

With cameras only changes whose camera is known are made: a mirrored image goes with the mirrored
camera, and size and place in the image are not part of what a camera-taught GAN calls a camera
(azimuth and elevation). Rolling and squeezing the image would show a view that no camera has.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from graphics.camera import DISTANCE
from train.data.stream import RealBatch, mirrored_cameras
from train.running.device import Device

ADJUST_EVERY = 4
"""Steps between two changes of p (section 3 there)."""
SCALE_STD = 0.2 * math.log(2)
"""Of the logarithm of both scalings (appendix B there, as all that follow)."""
SHIFT_STD = 0.125
"""Of the image's side."""
BRIGHTNESS_STD = 0.2
"""Of pixels in [-1, 1]."""
CONTRAST_STD = 0.5 * math.log(2)
"""Of its logarithm."""
SATURATION_STD = math.log(2)
"""Of its logarithm."""
GREY = torch.full((3,), 1 / math.sqrt(3.0))
"""The direction of equal colours."""


class Changes(NamedTuple):
    """What becomes of each image of a batch."""

    places: Tensor
    """[B, 2, 3]: where in [-1, 1] a place of the new image is read from; x right, y down."""
    colours: Tensor
    """[B, 3, 4]: factors of red, green and blue, and what is added."""
    mirrored: Tensor
    """bool [B]"""


def sample_changes(
    batch: int, probability: float, rng: torch.Generator, *, with_cameras: bool
) -> Changes:
    """Changes of `batch` images, each kind of them drawn by itself.

    `with_cameras` leaves out those that would turn a camera into none.
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


def change(
    images: Tensor,  # [B, 3, R, R] in [-1, 1]
    changes: Changes,
) -> Tensor:  # [B, 3, R, R]
    """The changed images, differentiable once; beyond the border they are reflected."""
    places, colours = changes.places.to(images.device), changes.colours.to(images.device)
    grid = F.affine_grid(places, list(images.shape), align_corners=False)
    moved = F.grid_sample(
        images, grid, mode="bicubic", padding_mode="reflection", align_corners=False
    )
    pixels = torch.einsum("bij,bjhw->bihw", colours[:, :, :3], moved)
    pixels = pixels + colours[:, :, 3, None, None]
    return pixels.contiguous(memory_format=torch.channels_last)


class AdaptiveAugmentation:
    """The changes, and the probability p that each of them happens with."""

    def __init__(self, target: float, kimg: float, batch_size: int, device: Device) -> None:
        """`target`: of the mean sign of photographs' logits; `kimg`: thousands of images in which
        p can go from 0 to 1."""
        self.target, self.device = target, device
        self.stride = ADJUST_EVERY * batch_size / (1_000 * kimg)
        self.probability = 0.0
        self.signs = torch.zeros(2, device=device.device)  # their sum, and how many

    def draw(self, batch: int, rng: torch.Generator, *, with_cameras: bool) -> Changes:
        """Changes of a whole batch; every process draws the same ones."""
        return sample_changes(batch, self.probability, rng, with_cameras=with_cameras)

    @torch.no_grad()
    def adjust(self, step: int, real_logits: Tensor) -> None:
        """Note the photographs' logits; every few steps move p by one stride.

        Signs above `target` say that the discriminator overfits: p grows (section 3 there).
        """
        self.signs += torch.stack(
            [real_logits.sign().sum(), real_logits.new_tensor(len(real_logits))]
        )
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
        """Take up a state saved by `state_dict`."""
        self.probability = state["probability"]
        self.signs.copy_(state["signs"])


def seen(
    images: Tensor,  # [B, 3, R, R] in [-1, 1]
    cameras: Tensor | None,  # [B, 5]
    changes: Changes,
) -> RealBatch:
    """What the discriminator is shown: changed images with the cameras that they have now."""
    if cameras is not None:
        mirrored = changes.mirrored.to(cameras.device)[:, None]
        cameras = torch.where(mirrored, mirrored_cameras(cameras), cameras)
        # Without rotations a matrix says how many times as far away the object now looks.
        cameras[:, DISTANCE] *= changes.places[:, 1, 1].to(cameras)
    return RealBatch(change(images, changes), cameras)


class _Dice:
    """Samples one number per image; the neutral one where the change does not happen."""

    def __init__(self, batch: int, probability: float, rng: torch.Generator) -> None:
        self.batch, self.probability, self.rng = batch, probability, rng

    def happens(self, probability: float) -> Tensor:  # bool [B]
        return torch.rand(self.batch, generator=self.rng) < probability

    def normal(self, std: float, columns: int = 1) -> Tensor:  # [B], or [B, columns]
        drawn = torch.randn((self.batch, columns), generator=self.rng) * std
        drawn = drawn * self.happens(self.probability)[:, None]
        return drawn if columns > 1 else drawn[:, 0]

    def angle(self, probability: float) -> Tensor:  # [B] radians
        drawn = (torch.rand(self.batch, generator=self.rng) * 2 - 1) * math.pi
        return drawn * self.happens(probability)


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
    # Brightness lies along grey, which only the luma flip turns round.
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
