"""The neural renderer: from the layers of the graphics renderer to a photograph.

A small U-Net looks at the drawn object, the background behind it, and the hole that was filled in
that background. It adds to both layers what drawing leaves out: light and shadow, what the mesh
does not show, and a better filling. Far from the object and the hole it adds exactly nothing.

The U-Net works at one side in pixels. A finer picture keeps its own detail: its layers are averaged
down for the U-Net, and what that adds is enlarged and composed with the fine layers.
"""

import itertools
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.camera_features import CAMERA_FEATURES, camera_features
from train.models.weights import load_network, save_network

INPUTS = 8
"""Channels: the object over its background (3), its alpha, the background (3), the hole."""
LAYERS = 6
"""Channels that come out: what is added to the object (3) and to its background (3)."""
MULTIPLES = (1, 2, 4, 6)
"""Channels of the resolutions, from fine to coarse, as multiples of the width."""
REACH, FEATHER = 4, 2
"""Pixels of the U-Net's side around object and hole within which it may change the background
freely, and over how many more that right fades out."""
SLOPE = 0.2


@dataclass(frozen=True)
class NeuralRendererShape:
    """Sizes of the network; stored with its weights."""

    size: int = 64  # side in pixels that the U-Net works at, a multiple of 8
    width: int = 16  # channels of its finest resolution

    def __post_init__(self) -> None:
        if self.size < 8 or self.size % 8:
            raise ValueError(f"size is {self.size}; it must be a multiple of 8")


class _Level(nn.Sequential):
    """Two convolutions of one resolution."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(SLOPE),
            nn.Conv2d(outputs, outputs, 3, 1, 1), nn.LeakyReLU(SLOPE),
        )  # fmt: skip


class NeuralRenderer(nn.Module):
    """Layers of a picture and its camera → the picture."""

    def __init__(self, shape: NeuralRendererShape) -> None:
        super().__init__()
        self.shape = shape
        channels = [shape.width * multiple for multiple in MULTIPLES]
        self.first = _Level(INPUTS, channels[0])
        pairs = list(itertools.pairwise(channels))
        self.down = nn.ModuleList(_Level(fine, coarse, 2) for fine, coarse in pairs)
        self.up = nn.ModuleList(_Level(fine + coarse, fine) for fine, coarse in reversed(pairs))
        self.camera = nn.Linear(CAMERA_FEATURES, 2 * channels[-1])
        self.last = nn.Conv2d(channels[0], LAYERS, 3, 1, 1)
        # It begins as the graphics renderer.
        for parameter in (*self.camera.parameters(), *self.last.parameters()):
            nn.init.zeros_(parameter)

    def forward(
        self,
        cameras: Tensor,  # [B, 5]
        drawings: Tensor,  # [B, 4, S, S] in 0..1: the object's colours times its alpha; alpha
        backgrounds: Tensor,  # [B, 3, S, S] in 0..1, filled where their own object was
        holes: Tensor,  # [B, 1, S, S] in 0..1: where they were filled
    ) -> Tensor:  # [B, 3, S, S] in 0..1
        """The picture; S must be a multiple of the U-Net's side."""
        size = self.shape.size
        alphas = drawings[:, 3:]
        composed = drawings[:, :3] + (1 - alphas) * backgrounds
        fine = torch.cat((composed, alphas, backgrounds, holes), dim=1)
        given = averaged(fine, size)
        added = torch.tanh(self._unet(given * 2 - 1, cameras)) * _reach(given)
        side = drawings.shape[-1]
        added = F.interpolate(added, size=(side, side), mode="bilinear", align_corners=False)
        on_object, behind = added[:, :3], added[:, 3:]
        return (composed + alphas * on_object + (1 - alphas) * behind).clamp(0, 1)

    def _unet(self, given: Tensor, cameras: Tensor) -> Tensor:
        levels = [self.first(given)]
        for level in self.down:
            levels.append(level(levels[-1]))
        scale, shift = self.camera(camera_features(cameras))[:, :, None, None].chunk(2, dim=1)
        features = levels.pop() * (1 + scale) + shift
        for level in self.up:
            larger = F.interpolate(features, scale_factor=2.0, mode="nearest")
            features = level(torch.cat((larger, levels.pop()), dim=1))
        return self.last(features)


def averaged(images: Tensor, side: int) -> Tensor:  # [B, C, S, S] -> [B, C, side, side]
    """Means of blocks of pixels; S must be a multiple of `side`."""
    batch, channels, fine = images.shape[:3]
    block = fine // side
    # Not avg_pool2d: a graph may be given any S.
    return images.reshape(batch, channels, side, block, side, block).mean(dim=(3, 5))


def _reach(given: Tensor) -> Tensor:  # [B, INPUTS, R, R] -> [B, 1, R, R] in 0..1
    """Where something may be added: 1 near the object and the hole, exactly 0 far from them."""
    near = (torch.maximum(given[:, 3:4], given[:, 7:8]) > 0).to(given.dtype)
    near = F.max_pool2d(near, 2 * REACH + 1, 1, REACH)
    return F.avg_pool2d(near, 2 * FEATHER + 1, 1, FEATHER, count_include_pad=False)


def save_neural_renderer(path: Path, network: NeuralRenderer) -> None:
    """Write the weights, in half precision, with the sizes that they belong to, atomically."""
    save_network(path, network, {"shape": json.dumps(asdict(network.shape))}, torch.float16)


def load_neural_renderer(path: Path) -> NeuralRenderer:
    """Read what `save_neural_renderer` wrote: float32 parameters, evaluation mode."""

    def build(facts: dict[str, str]) -> NeuralRenderer:
        return NeuralRenderer(NeuralRendererShape(**json.loads(facts["shape"])))

    return load_network(path, build)
