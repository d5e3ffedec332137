"""The neural renderer: from the layers of the graphics renderer to a photograph.

Three small U-Nets. The first one looks at the background and the hole that was filled in it, and
fills that better. It does not see the object, so a background is the same behind every object.
The second one sees the object's silhouette there, and no colour of it: it casts the shadow, so that
other paint leaves the ground as it is. The third one looks at the object over that background. It
adds what drawing leaves out on the object: light, and at its rim what the mesh does not show.
Outside of the hole, and further from the object than its shadow may reach, nothing changes.

The U-Nets work at one side in pixels. A finer picture keeps its own detail: its layers are averaged
down for the U-Nets, and what these add is enlarged and composed with the fine layers.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.unet import HALVINGS, UNet
from train.models.weights import load_network, save_network

FILLER_INPUTS = 4
"""Channels: the background (3), the hole."""
SHADOW_INPUTS = 5
"""Channels: the object's alpha, the background (3), the hole."""
INPUTS = 8
"""Channels: the object over its background (3), its alpha, the background (3), the hole."""
LAYERS = 6
"""Channels that come out of the third: what is added to the object (3) and to its rim (3)."""
REACH, FEATHER = 6, 2
"""Pixels of the U-Nets' side around the object within which its shadow may fall, and over how many
of these that right fades out."""
RIM = 1
"""Pixels of the same beside the object that may take its colours: what the mesh lacks."""


@dataclass(frozen=True)
class NeuralRendererShape:
    """Sizes of the network; stored with its weights."""

    size: int = 64  # side in pixels that the U-Nets work at, a multiple of 8
    width: int = 16  # channels of the second one's finest resolution; the first has half as many

    def __post_init__(self) -> None:
        if self.size < 8 or self.size % 2**HALVINGS:
            raise ValueError(f"size is {self.size}; it must be a multiple of 8")


class NeuralRenderer(nn.Module):
    """Layers of a picture and its camera -> the picture."""

    def __init__(self, shape: NeuralRendererShape) -> None:
        super().__init__()
        self.shape = shape
        # All begin with nothing: as the graphics renderer over the filled background.
        narrow = max(1, shape.width // 2)
        self.filler = UNet(FILLER_INPUTS, 3, narrow, sees_camera=False)
        self.caster = UNet(SHADOW_INPUTS, 3, narrow, sees_camera=True)
        self.drawer = UNet(INPUTS, LAYERS, shape.width, sees_camera=True)

    def forward(
        self,
        cameras: Tensor,  # [B, 5]
        drawings: Tensor,  # [B, 4, S, S] in 0..1: the object's colours times its alpha; alpha
        backgrounds: Tensor,  # [B, 3, S, S] in 0..1, filled where their own object was
        holes: Tensor,  # [B, 1, S, S] in 0..1: where they were filled
    ) -> Tensor:  # [B, 3, S, S] in 0..1
        """The picture; S must be a multiple of the U-Nets' side."""
        behind = self.fill(backgrounds, holes)
        alphas = drawings[:, 3:]
        composed = drawings[:, :3] + (1 - alphas) * behind
        given = averaged(torch.cat((composed, alphas, behind, holes), dim=1), self.shape.size)
        seen, near = given * 2 - 1, (given[:, 3:4] > 0).to(given)
        on_object, rim = torch.tanh(self.drawer(seen, cameras)).chunk(2, dim=1)
        shadow = torch.tanh(self.caster(seen[:, 3:], cameras)) * _around(near)
        layers = torch.cat((on_object * _grown(near, RIM), rim * _grown(near, RIM) + shadow), dim=1)
        on_object, beside = _enlarged(layers, drawings.shape[-1]).chunk(2, dim=1)
        return (composed + alphas * on_object + (1 - alphas) * beside).clamp(0, 1)

    def fill(
        self,
        backgrounds: Tensor,  # [B, 3, S, S] in 0..1
        holes: Tensor,  # [B, 1, S, S] in 0..1
    ) -> Tensor:  # [B, 3, S, S] in 0..1
        """The backgrounds with their holes filled better; all around a hole to the bit as given."""
        given = averaged(torch.cat((backgrounds, holes), dim=1), self.shape.size)
        added = torch.tanh(self.filler(given * 2 - 1)) * _inside(given[:, 3:])
        # Enlarging spreads it by a pixel of the U-Net.
        added = _enlarged(added, holes.shape[-1]) * holes
        return (backgrounds + added).clamp(0, 1)


def averaged(images: Tensor, side: int) -> Tensor:  # [B, C, S, S] -> [B, C, side, side]
    """Means of blocks of pixels; S must be a multiple of `side`."""
    batch, channels, fine = images.shape[:3]
    block = fine // side
    # Not avg_pool2d: a graph may be given any S.
    return images.reshape(batch, channels, side, block, side, block).mean(dim=(3, 5))


def _enlarged(images: Tensor, side: int) -> Tensor:  # [B, C, R, R] -> [B, C, side, side]
    return F.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)


def _grown(near: Tensor, pixels: int) -> Tensor:  # 0 or 1 [B, 1, R, R] -> the same
    return F.max_pool2d(near, 2 * pixels + 1, 1, pixels)


def _around(near: Tensor) -> Tensor:  # 0 or 1 [B, 1, R, R] -> [B, 1, R, R] in 0..1
    """Where a shadow may fall: 1 near the object, exactly 0 beyond `REACH` of it."""
    grown = _grown(near, REACH - FEATHER)
    return F.avg_pool2d(grown, 2 * FEATHER + 1, 1, FEATHER, count_include_pad=False)


def _inside(holes: Tensor) -> Tensor:  # [B, 1, R, R] in 0..1 -> [B, 1, R, R] in 0..1
    """1 in a hole, falling to 0 at its edge; the picture's own edge is none."""
    inner = 1 - F.max_pool2d(1 - holes, 3, 1, 1)
    return F.avg_pool2d(inner, 3, 1, 1, count_include_pad=False)


def save_neural_renderer(path: Path, network: NeuralRenderer) -> None:
    """Write the weights, in half precision, with the sizes that they belong to, atomically."""
    save_network(path, network, {"shape": json.dumps(asdict(network.shape))}, torch.float16)


def load_neural_renderer(path: Path) -> NeuralRenderer:
    """Read what `save_neural_renderer` wrote: float32 parameters, evaluation mode."""

    def build(facts: dict[str, str]) -> NeuralRenderer:
        return NeuralRenderer(NeuralRendererShape(**json.loads(facts["shape"])))

    return load_network(path, build)
