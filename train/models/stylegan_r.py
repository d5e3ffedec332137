"""StyleGAN-R: the GAN driven by a camera, a shape, a texture and a background (paper 3.3).

Four mapping networks turn what a graphics renderer understands into StyleSpace codes (equation
3); selectors mix them into one style vector (equation 4). Ours beside the paper: codes are
written in units of each dimension's spread around its mean, which leaves equation 4 as it is,
because the selectors of a dimension sum to one.
"""

import itertools
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from graphics.camera import OFFSET_X
from train.models.camera_features import CAMERA_FEATURES, camera_features
from train.models.generator import Generator
from train.models.layers import EqualisedConvolution, EqualisedLinear
from train.models.weights import GENERATORS, load_network, new_network, save_network

OWNERS = ("shape", "texture", "background")  # rows of the selectors, in order
VIEW_FEATURES = CAMERA_FEATURES + 2
SMALLEST_SPREAD = 1e-4
"""Dimensions of the style that never move still get a spread to be divided by."""
SMALLEST_VERTEX_SPREAD = 0.01  # object units: shapes that hardly differ are not blown up to differ


@dataclass(frozen=True)
class StyleganRShape:
    """Sizes of the mapping networks; stored with their weights."""

    vertices: int = 642
    texture_size: int = 64  # height of the texture; it is twice as wide
    size: int = 64  # side of the background image in pixels
    hidden: int = 192  # width of the fully connected layers
    width: int = 16  # channels of the first convolution; doubles per level up to eight times


class Codes(NamedTuple):
    """Outputs of the mapping networks for B samples, in units of the style's spread."""

    view: Tensor  # [B, E] z_view on the early (view) dimensions
    owners: Tensor  # [3, B, N] z_shape, z_txt, z_bck


class ImageMapping(nn.Module):
    """g_t and g_b: a small CNN from an image to a StyleSpace code."""

    def __init__(self, height: int, width: int, shape: StyleganRShape, outputs: int) -> None:
        super().__init__()
        levels = int(math.log2(min(height, width))) - 2  # ends at 4 texels on the short side
        channels = [3, *(shape.width * min(2**level, 8) for level in range(levels))]
        pairs = itertools.pairwise(channels)
        self.convolutions = nn.Sequential(
            *(EqualisedConvolution(before, after, 3, stride=2) for before, after in pairs)
        )
        cells = (height >> levels) * (width >> levels)
        self.hidden = EqualisedLinear(channels[-1] * cells, shape.hidden, activate=True)
        self.code = EqualisedLinear(shape.hidden, outputs)

    def forward(self, images: Tensor) -> Tensor:  # [B, 3, H, W] in 0..1 -> [B, outputs]
        """The image's code."""
        features = self.convolutions(images * 2.0 - 1.0)
        return self.code(self.hidden(features.flatten(1)))


class StyleganR(nn.Module):
    """The generator with mapping networks g_v, g_s, g_t, g_b and selectors in front of it.

    `view_selected` marks the dimensions that the camera drives (paper: 144). There z_view replaces
    the mix of an unconditional generator. It is added to that of a camera-conditioned one, whose
    early styles are such a sum by construction.
    """

    view_selected: Tensor
    style_mean: Tensor
    style_spread: Tensor
    vertex_mean: Tensor
    vertex_spread: Tensor

    def __init__(self, generator: Generator, shape: StyleganRShape) -> None:
        super().__init__()
        self.generator, self.shape = generator, shape
        outputs, early = generator.style_size, generator.view_dimensions.stop
        hidden = shape.hidden
        self.view_mapping = nn.Sequential(
            EqualisedLinear(VIEW_FEATURES, hidden, activate=True),
            EqualisedLinear(hidden, hidden, activate=True),
            EqualisedLinear(hidden, early),
        )
        self.shape_mapping = nn.Sequential(
            EqualisedLinear(shape.vertices * 3, hidden, activate=True),
            EqualisedLinear(hidden, hidden, activate=True),
            EqualisedLinear(hidden, outputs),
        )
        height = shape.texture_size
        self.texture_mapping = ImageMapping(height, 2 * height, shape, outputs)
        self.background_mapping = ImageMapping(shape.size, shape.size, shape, outputs)
        self.selector_logits = nn.Parameter(torch.zeros(len(OWNERS), outputs))
        self.register_buffer("view_selected", torch.ones(early))
        self.register_buffer("style_mean", torch.zeros(outputs))
        self.register_buffer("style_spread", torch.ones(outputs))
        self.register_buffer("vertex_mean", torch.zeros(shape.vertices, 3))
        self.register_buffer("vertex_spread", torch.ones(()))

    @torch.no_grad()
    def calibrate(self, styles: Tensor, vertices: Tensor, view_selected: Tensor) -> None:
        """Take means and spreads of true styles [M, N] and of vertices [M, V, 3].

        `view_selected`: bool [E], the dimensions that the camera drives.
        """
        self.style_mean.copy_(styles.mean(dim=0))
        self.style_spread.copy_(styles.std(dim=0).clamp_min(SMALLEST_SPREAD))
        self.vertex_mean.copy_(vertices.mean(dim=0))
        self.vertex_spread.copy_(vertices.std(dim=0).mean().clamp_min(SMALLEST_VERTEX_SPREAD))
        self.view_selected.copy_(view_selected)

    def mapping_parameters(self) -> list[nn.Parameter]:
        """The weights of g_v, g_s, g_t, g_b and the selectors: all but the generator's."""
        return [p for name, p in self.named_parameters() if not name.startswith("generator.")]

    def selectors(self) -> Tensor:  # [3, N]
        """s_m, s_t, s_b: weights of shape, texture and background, summing to one."""
        return self.selector_logits.softmax(dim=0)

    def shape_code(self, vertices: Tensor) -> Tensor:  # [B, V, 3] -> [B, N]
        """z_shape = g_s(S)."""
        offsets = (vertices - self.vertex_mean) / self.vertex_spread
        return self.shape_mapping(offsets.flatten(1))

    def codes(
        self,
        cameras: Tensor,  # [B, 5]
        vertices: Tensor,  # [B, V, 3] object units
        textures: Tensor,  # [B, 3, Ht, Wt] in 0..1
        backgrounds: Tensor,  # [B, 3, R, R] in 0..1, the object erased
    ) -> Codes:
        """Equation 3."""
        shape = self.shape_code(vertices)
        owners = (shape, self.texture_mapping(textures), self.background_mapping(backgrounds))
        return Codes(self.view_mapping(view_features(cameras)), torch.stack(owners))

    def mix(self, codes: Codes) -> Tensor:  # [B, N]
        """Equation 4 and the camera's part: the style vector w̃."""
        mixed = (self.selectors()[:, None] * codes.owners).sum(dim=0)
        early = codes.view.shape[1]
        view = codes.view * self.view_selected
        kept = mixed[:, :early]
        if not self.generator.camera_conditioned:
            kept = kept * (1.0 - self.view_selected)
        mixed = torch.cat((kept + view, mixed[:, early:]), dim=1)
        return self.style_mean + self.style_spread * mixed

    def synthesize(self, styles: Tensor) -> Tensor:  # [B, N] -> [B, 3, R, R]
        """Images of style vectors, without noise; in about 0..1, not clamped."""
        images = self.generator.synthesize(self.generator.unflatten(styles), noise=None)
        return images * 0.5 + 0.5

    def forward(
        self,
        cameras: Tensor,  # [B, 5]
        vertices: Tensor,  # [B, V, 3] object units
        textures: Tensor,  # [B, 3, Ht, Wt] in 0..1
        backgrounds: Tensor,  # [B, 3, R, R] in 0..1, the object erased
    ) -> Tensor:  # [B, 3, R, R] in about 0..1, not clamped
        """Images of an object of this shape and texture, from this camera, on this background."""
        return self.synthesize(self.mix(self.codes(cameras, vertices, textures, backgrounds)))


def view_features(cameras: Tensor) -> Tensor:  # [B, 5] -> [B, VIEW_FEATURES]
    """The features that a GAN is conditioned on, and the offsets."""
    return torch.cat((camera_features(cameras), cameras[:, OFFSET_X:]), dim=1)


def explained_variances(styles: Tensor, viewpoints: Tensor) -> Tensor:  # [E] in 0..1
    """The fraction of each dimension's variance that the viewpoint explains (eta squared).

    `styles`: [M, E], the early ones; `viewpoints`: [M], the index of each one's viewpoint.
    """
    groups, members = torch.unique(viewpoints, return_inverse=True)
    counts = torch.bincount(members, minlength=len(groups)).to(styles.dtype)
    sums = styles.new_zeros(len(groups), styles.shape[1])
    means = sums.index_add(0, members, styles) / counts[:, None]  # [groups, E]
    mean = styles.mean(dim=0)
    between = (counts[:, None] * (means - mean).square()).sum(dim=0)
    total = (styles - mean).square().sum(dim=0)
    return torch.where(total > 0, between / total.clamp_min(1e-12), torch.zeros_like(total))


def select_view_dimensions(explained: Tensor, count: int) -> Tensor:  # [E] in 0..1 -> [E] bool
    """The `count` dimensions whose variance the viewpoint explains most."""
    if count < 1:
        raise ValueError(f"{count} view dimensions: at least 1")
    selected = torch.zeros_like(explained, dtype=torch.bool)
    selected[explained.topk(min(count, len(explained))).indices] = True
    return selected


def continue_mappings(network: StyleganR, previous: StyleganR) -> list[str]:
    """Take the mapping networks' weights from an earlier round where shapes match.

    Returns the names of what was taken; means, spreads and the generator stay this round's.
    """
    own = dict(network.named_parameters())
    taken = {
        name: parameter
        for name, parameter in previous.named_parameters()
        if not name.startswith("generator.") and name in own and own[name].shape == parameter.shape
    }
    network.load_state_dict(taken, strict=False)
    return list(taken)


def save_stylegan_r(path: Path, network: StyleganR) -> None:
    """Write generator and mapping networks with the sizes that they belong to, atomically.

    In float16: the file and the exported graph are half as large, and images change by less than
    what eight bits can show.
    """
    facts = {
        "shape": json.dumps(asdict(network.shape)),
        "generator": json.dumps(asdict(network.generator.shape)),
        "architecture": network.generator.architecture,
    }
    save_network(path, network, facts, torch.float16)


def load_stylegan_r(path: Path) -> StyleganR:
    """Read what `save_stylegan_r` wrote, in float32; the network is in evaluation mode."""

    def build(facts: dict[str, str]) -> StyleganR:
        generator = new_network(GENERATORS, facts, facts["generator"])
        return StyleganR(generator, StyleganRShape(**json.loads(facts["shape"])))

    return load_network(path, build)
