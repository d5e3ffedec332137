"""What the camera is estimated from: an encoder of its own, which sees finer than the shape's.

Front and rear differ in parts of a few pixels, lamps, plates, the slope of a screen. On photographs
of cars an encoder that sees 96 px tells them apart more often than one that sees 36 px, and one
that has seen other photographs before far more often than one that has not.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from train.models.efficientnet_lite import CHANNELS as TRUNK_CHANNELS
from train.models.efficientnet_lite import STRIDE, EfficientNetLite
from train.models.object_crop import Squares, cropped, squares_around
from train.models.segmenter import ConvolutionBlock

GRID_SIDE = 32
"""Images are folded to this side at the entry, so that the cost hardly depends on their size."""
WIDTHS = (1, 2, 3, 4)  # channels at sides 32, 16, 8 and 4, in multiples of the first level's
CHANNELS = 40  # of the first level
CODE = 192


class CameraEncoder(nn.Module):
    """Image and mask -> the code of the camera head."""

    def __init__(self, size: int) -> None:
        """`size`: side of the images in pixels, a multiple of 32."""
        super().__init__()
        if size % GRID_SIDE:
            raise ValueError(f"image size {size}: must be a multiple of {GRID_SIDE}")
        self.fold = size // GRID_SIDE
        inputs, layers = 4 * self.fold**2, list[nn.Module]()
        for level, multiple in enumerate(WIDTHS):
            width = CHANNELS * multiple
            layers += [ConvolutionBlock(inputs, width), ConvolutionBlock(width, width)]
            # The largest, not the mean: what tells front from rear is small.
            layers += [nn.MaxPool2d(2)] if level + 1 < len(WIDTHS) else []
            inputs = width
        cells = (GRID_SIDE >> len(WIDTHS) - 1) ** 2
        self.layers = nn.Sequential(
            *layers, nn.Conv2d(inputs, inputs // 2, 1), nn.ReLU(), nn.Flatten()
        )
        self.code = nn.Linear(cells * inputs // 2, CODE)

    def forward(self, seen: Tensor) -> Tensor:  # [B, 4, R, R] -> [B, CODE]
        """`seen`: the object's colours in -1..1, 0 around it, and the mask in -1..1."""
        return F.relu(self.code(self.layers(F.pixel_unshuffle(seen, self.fold))))


CROP_SIDE = 128
"""Side in pixels of what the pretrained encoder sees: the object, cut out tightly."""
MIXED = 64  # channels of each place, before all places are weighed together
DROPOUT = 0.3
LARGEST_ZOOM, LARGEST_SHIFT = 1.2, 0.06
"""By which the squares differ in training from those of the masks, which are not exact either."""


class PretrainedCameraEncoder(nn.Module):
    """The same on a trunk that has seen photographs of everything."""

    def __init__(self, trunk: EfficientNetLite) -> None:
        """`trunk`: with the weights that training starts from."""
        super().__init__()
        self.trunk = trunk
        self.mix = nn.Sequential(
            nn.Conv2d(TRUNK_CHANNELS, MIXED, 1), nn.BatchNorm2d(MIXED), nn.ReLU(), nn.Flatten(),
            nn.Dropout(DROPOUT),
        )  # fmt: skip
        self.code = nn.Linear(MIXED * (CROP_SIDE // STRIDE) ** 2, CODE)

    def forward(self, seen: Tensor) -> Tensor:  # [B, 4, R, R] -> [B, CODE]
        """`seen`: as `CameraEncoder` takes it, of any side R."""
        squares = squares_around((seen[:, 3] + 1) / 2)
        if self.training:
            squares = _disturbed(squares)
        crops = cropped(seen[:, :3], squares, CROP_SIDE)
        return F.relu(self.code(self.mix(self.trunk(crops))))


def _disturbed(squares: Squares) -> Squares:
    numbers = 2 * torch.rand(len(squares.sides), 3) - 1
    numbers = numbers.to(squares.sides)
    return squares.moved(LARGEST_ZOOM ** numbers[:, 0], LARGEST_SHIFT * numbers[:, 1:])
