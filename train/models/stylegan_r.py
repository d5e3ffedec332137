"""StyleGAN-R: the GAN driven by a camera, a shape, a texture and a background (paper 3.3).

Four mapping networks turn what a graphics renderer understands into codes (equation 3); selectors
mix them into one (equation 4). Ours beside the paper: a code has one W vector for every layer of
the generator, in place of all style vectors. Styles are linear in W: the 1,088 that a generator
of 64 px has are moved by 128 numbers. One owner for each has no basis there; the axes that have
owners are learned, and begin as W's principal directions. And the camera of a camera-conditioned
generator is given to the generator itself, which knows what it means, rather than learned anew.
"""

import itertools
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from graphics.camera import OFFSET_X
from train.models.camera_features import CAMERA_FEATURES, camera_features
from train.models.generator import Generator
from train.models.layers import EqualisedConvolution, EqualisedLinear
from train.models.weights import GENERATORS, load_network, new_network, save_network

OWNERS = ("shape", "texture", "background")  # rows of the selectors, in order
VIEW_FEATURES = CAMERA_FEATURES + 2
SMALLEST_SPREAD = 1e-4
"""Dimensions of the style that never move still get a spread to be divided by."""
SMALLEST_SHARE = 1e-3
"""So much of the widest direction of W has the narrowest at least: few contents fill few."""
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
    """Outputs of the mapping networks for B samples: L vectors of C numbers, those of W."""

    view: Tensor  # [B, E, C] z_view, of the early (view) layers
    owners: Tensor  # [3, B, L, C] z_shape, z_txt, z_bck


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

    z_view is what an unconditional generator's early layers get, whatever the content. It is added
    to the mix where the generator is camera-conditioned: there it says only what the camera that
    the generator knows leaves open, as the offset in the picture.
    """

    w_mean: Tensor
    w_directions: Tensor
    style_spread: Tensor
    vertex_mean: Tensor
    vertex_spread: Tensor

    def __init__(self, generator: Generator, shape: StyleganRShape) -> None:
        super().__init__()
        self.generator, self.shape = generator, shape
        self.layers, self.code = len(generator.style_layers), generator.shape.code
        self.early = generator.shape.view_layers
        outputs, hidden = self.layers * self.code, shape.hidden
        self.view_mapping = nn.Sequential(
            EqualisedLinear(VIEW_FEATURES, hidden, activate=True),
            EqualisedLinear(hidden, hidden, activate=True),
            EqualisedLinear(hidden, self.early * self.code),
        )
        self.shape_mapping = nn.Sequential(
            EqualisedLinear(shape.vertices * 3, hidden, activate=True),
            EqualisedLinear(hidden, hidden, activate=True),
            EqualisedLinear(hidden, outputs),
        )
        height = shape.texture_size
        self.texture_mapping = ImageMapping(height, 2 * height, shape, outputs)
        self.background_mapping = ImageMapping(shape.size, shape.size, shape, outputs)
        self.selector_logits = nn.Parameter(torch.zeros(len(OWNERS), self.layers, self.code))
        self.axes = nn.Parameter(torch.eye(self.code).repeat(self.layers, 1, 1))
        self.register_buffer("w_mean", torch.zeros(self.code))
        self.register_buffer("w_directions", torch.eye(self.code))
        self.register_buffer("style_spread", torch.ones(generator.style_size))
        self.register_buffer("vertex_mean", torch.zeros(shape.vertices, 3))
        self.register_buffer("vertex_spread", torch.ones(()))

    @torch.no_grad()
    def calibrate(self, contents: Tensor, styles: Tensor, vertices: Tensor) -> None:
        """Take means and spreads of content codes [K, C], true styles [M, N], vertices [M, V, 3].

        Rows of `w_directions` are W's principal directions, as long as the contents spread along
        them.
        """
        self.w_mean.copy_(contents.mean(dim=0))
        centred = contents - self.w_mean
        values, directions = torch.linalg.eigh(centred.T @ centred / len(contents))
        spreads = values.clamp_min(0).sqrt()
        spreads = spreads.clamp_min(max(float(spreads.max()) * SMALLEST_SHARE, SMALLEST_SPREAD))
        self.w_directions.copy_(spreads[:, None] * directions.T)
        self.style_spread.copy_(styles.std(dim=0).clamp_min(SMALLEST_SPREAD))
        self.vertex_mean.copy_(vertices.mean(dim=0))
        self.vertex_spread.copy_(vertices.std(dim=0).mean().clamp_min(SMALLEST_VERTEX_SPREAD))

    def mapping_parameters(self) -> list[nn.Parameter]:
        """The weights of g_v, g_s, g_t, g_b, selectors and axes: all but the generator's."""
        return [p for name, p in self.named_parameters() if not name.startswith("generator.")]

    def selectors(self) -> Tensor:  # [3, L, C]
        """s_m, s_t, s_b: weights of shape, texture and background, summing to one."""
        return self.selector_logits.softmax(dim=0)

    def codes(
        self,
        cameras: Tensor,  # [B, 5]
        vertices: Tensor,  # [B, V, 3] object units
        textures: Tensor,  # [B, 3, Ht, Wt] in 0..1
        backgrounds: Tensor,  # [B, 3, R, R] in 0..1, the object erased
    ) -> Codes:
        """Equation 3."""
        offsets = (vertices - self.vertex_mean) / self.vertex_spread
        owners = torch.stack((
            self.shape_mapping(offsets.flatten(1)),
            self.texture_mapping(textures),
            self.background_mapping(backgrounds),
        ))  # fmt: skip
        view = self.view_mapping(view_features(cameras))
        return Codes(
            view.reshape(-1, self.early, self.code),
            owners.reshape(len(OWNERS), -1, self.layers, self.code),
        )

    def mix(self, codes: Codes) -> Tensor:  # [B, L, C]
        """Equation 4 and the camera's part."""
        mixed = (self.selectors()[:, None] * codes.owners).sum(dim=0)
        view = codes.view
        if self.generator.camera_conditioned:
            view = view + mixed[:, : self.early]
        return torch.cat((view, mixed[:, self.early :]), dim=1)

    def styles(
        self,
        cameras: Tensor,  # [B, 5]
        mixed: Tensor,  # [B, L, C]
        shifts: Tensor | None = None,  # [B, S] of every layer's code along W's widest directions
    ) -> Tensor:  # [B, N]
        """The style vector w̃ of a mix; shifts are measured by how far codes spread."""
        along = torch.einsum("blc,lcd->bld", mixed, self.axes)
        if shifts is not None:
            widest = shifts[:, : self.code].flip(1)  # directions ascend, shifts descend
            along = along + functional.pad(widest, (self.code - widest.shape[1], 0))[:, None]
        w = self.w_mean + along @ self.w_directions
        return self.generator.flatten(self.generator.layer_styles(w, cameras))

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
        shifts: Tensor | None = None,  # [B, S], as `styles` takes them
    ) -> Tensor:  # [B, 3, R, R] in about 0..1, not clamped
        """Images of an object of this shape and texture, from this camera, on this background."""
        mixed = self.mix(self.codes(cameras, vertices, textures, backgrounds))
        return self.synthesize(self.styles(cameras, mixed, shifts))


def view_features(cameras: Tensor) -> Tensor:  # [B, 5] -> [B, VIEW_FEATURES]
    """The features that a GAN is conditioned on, and the offsets."""
    return torch.cat((camera_features(cameras), cameras[:, OFFSET_X:]), dim=1)


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
