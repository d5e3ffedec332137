"""What the exported graphs compute: the networks with pixel scaling and axis order inside.

The service passes uint8 pixels and images whose channels come last; everything between that and
the networks' own inputs belongs to the graph, so that it is written once.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from graphics.picture_fit import SHIFTS
from train.models.inverse_graphics import InverseGraphics, resized
from train.models.neural_renderer import NeuralRenderer
from train.models.segmenter import Segment
from train.models.stylegan_r import StyleganR


class Reconstructions(NamedTuple):
    """What `inverse_graphics.onnx` gives for B photographs."""

    vertices: Tensor  # [B, V, 3] object units
    textures: Tensor  # [B, Ht, Wt, 3] in 0..1, row 0 is v = 1
    cameras: Tensor  # [B, 5]
    confidences: Tensor  # [B] in 0..1
    azimuth_probabilities: Tensor  # [B, AZIMUTH_BINS], sum 1; the confidences are of their peaks


class SegmenterGraph(nn.Module):
    """Photographs -> masks."""

    def __init__(self, segmenter: Segment, side: int | None = None) -> None:
        """`side`: of the images that the segmenter was trained on; None: those that come."""
        super().__init__()
        self.segmenter, self.side = segmenter, side

    def forward(self, images: Tensor) -> Tensor:  # uint8 [B, R, R, 3] -> [B, R, R] in 0..1
        """The object's mask."""
        masks = self.segmenter(resized(channels_first(images), self.side or images.shape[1]))
        return resized(masks[:, None], images.shape[1])[:, 0]


class InverseGraphicsGraph(nn.Module):
    """Photographs and masks -> shape, texture, camera."""

    def __init__(self, network: InverseGraphics) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, masks: Tensor) -> Reconstructions:
        """Images uint8 [B, R, R, 3], masks [B, R, R] in 0..1 -> the object's shape and camera."""
        prediction = self.network(channels_first(images), masks[:, None])
        return Reconstructions(
            prediction.vertices,
            prediction.textures.permute(0, 2, 3, 1),
            prediction.cameras,
            prediction.confidences,
            prediction.azimuth_logits.softmax(-1),
        )


class StyleganRGraph(nn.Module):
    """Camera, shape, texture, background and shifts of the code -> image."""

    def __init__(self, network: StyleganR, side: int | None = None) -> None:
        """`side`: of the images that go in and come out; None: the GAN's own."""
        super().__init__()
        self.network, self.side = network, side or network.shape.size

    def forward(
        self,
        cameras: Tensor,  # [B, 5]
        vertices: Tensor,  # [B, V, 3] object units
        textures: Tensor,  # [B, Ht, Wt, 3] in 0..1
        backgrounds: Tensor,  # uint8 [B, R, R, 3], the object's pixels 128
        shifts: Tensor,  # [B, SHIFTS] that `graphics.picture_fit` found, or 0
    ) -> Tensor:  # [B, R, R, 3] in 0..1
        """The image."""
        backgrounds = resized(channels_first(backgrounds), self.network.shape.size)
        textures = textures.permute(0, 3, 1, 2)
        images = self.network(cameras, vertices, textures, backgrounds, shifts)
        return resized(images.clamp(0.0, 1.0), self.side).permute(0, 2, 3, 1)


class NeuralRendererGraph(nn.Module):
    """Camera and layers → image, of any side that is a multiple of the U-Net's."""

    def __init__(self, network: NeuralRenderer) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        cameras: Tensor,  # [B, 5]
        drawings: Tensor,  # [B, S, S, 4] in 0..1: the object's colours times its alpha; alpha
        backgrounds: Tensor,  # uint8 [B, S, S, 3], filled where their object was
        holes: Tensor,  # [B, S, S] in 0..1: where they were filled
    ) -> Tensor:  # [B, S, S, 3] in 0..1
        """The image."""
        images = self.network(
            cameras, drawings.permute(0, 3, 1, 2), channels_first(backgrounds), holes[:, None]
        )
        return images.permute(0, 2, 3, 1)


def some_shifts(count: int) -> NDArray[np.float32]:  # [count, SHIFTS]
    """Shifts as large as fitting finds, to compare a graph on."""
    shifts = np.random.default_rng(0).normal(0, 0.5, (count, SHIFTS))
    return shifts.astype(np.float32)


def channels_first(pixels: Tensor) -> Tensor:  # uint8 [B, R, R, 3] -> float32 [B, 3, R, R] in 0..1
    """Pixels as the networks take them."""
    return pixels.float().permute(0, 3, 1, 2) / 255.0
