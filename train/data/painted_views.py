"""The training set of the neural renderer: views of one object, painted from each other."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphics.layers import Layers, layers
from graphics.mesh import Template
from graphics.render import look, render
from graphics.texture_transfer import TextureTransfer
from train.data.codes import Codes, CodeSampler

SAMPLES = 2
"""Per pixel side of the graphics renderer, as the service takes them."""
TRACE = 0.1
"""From this much of the mask on, a pixel of a photograph may show some of the object's colour."""


class Buffers(NamedTuple):
    """What the neural renderer takes for B pictures."""

    cameras: Tensor  # [B, 5]
    drawings: Tensor  # [B, 4, S, S] in 0..1: the object's colours times its alpha; alpha
    backgrounds: Tensor  # [B, 3, S, S] in 0..1, filled
    holes: Tensor  # [B, 1, S, S] in 0..1

    def to(self, device: torch.device) -> "Buffers":
        """On that device."""
        return Buffers(*(field.to(device) for field in self))


class PaintedViews:
    """Multi-view images whose textures are painted as the service paints them."""

    def __init__(self, codes: Codes, template: Template, random: torch.Generator) -> None:
        """`codes`: with textures as the network predicts them."""
        self.template, self.random = template, random
        self.images = codes.images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        self.masks = codes.masks.cpu().numpy().astype(np.float32) / np.float32(255)
        self.cameras = codes.cameras.float().cpu().numpy()
        self.vertices = codes.vertices.float().cpu().numpy()
        self.textures = painted_textures(codes, template)
        self.sampler = CodeSampler(codes, random)

    def pairs(self, batch: int) -> tuple[Buffers, Tensor]:
        """Objects taken from one view and asked for from another, and that view [B, 3, R, R] in
        0..1.

        In half of them the background has the hole of another object too: its truth is known, and
        backgrounds of other photographs have holes where the object does not stand.
        """
        sources = self.sampler.sample(batch)
        targets = self.sampler.other_views(sources)
        others = torch.where(torch.rand(batch, generator=self.random) < 0.5, sources,
                             self.sampler.sample(batch))  # fmt: skip
        holes = np.maximum(self.masks[sources], self.masks[others]) > TRACE
        wanted = torch.from_numpy(self.images[targets]).permute(0, 3, 1, 2).float() / 255
        return self._buffers(targets, sources, sources, (sources, holes)), wanted

    def real(self, batch: int) -> tuple[Tensor, Tensor]:
        """Images [B, 3, R, R] in 0..1, with their cameras [B, 5]."""
        chosen = self.sampler.sample(batch)
        images = torch.from_numpy(self.images[chosen]).permute(0, 3, 1, 2).float() / 255
        return images, torch.from_numpy(self.cameras[chosen])

    def mixtures(self, batch: int) -> Buffers:
        """Camera, shape, texture and background of four images each."""
        backgrounds = self.sampler.sample(batch)
        holes = self.masks[backgrounds] > TRACE
        viewpoints, shapes, textures = (self.sampler.sample(batch) for _ in range(3))
        return self._buffers(viewpoints, shapes, textures, (backgrounds, holes))

    def _buffers(
        self,
        viewpoints: Tensor,  # [B] images that give the camera
        shapes: Tensor,
        textures: Tensor,
        backgrounds: tuple[Tensor, NDArray[np.bool_]],  # [B] images and their holes [B, R, R]
    ) -> Buffers:
        cameras, (behind, holes) = self.cameras[viewpoints], backgrounds
        drawn = render(
            self.vertices[shapes], self.textures[textures], cameras, self.template,
            self.images.shape[1], samples=SAMPLES,
        )  # fmt: skip
        return buffers(cameras, layers(drawn, self.images[behind], holes))


def painted_textures(codes: Codes, template: Template) -> NDArray[np.uint8]:
    """Textures [M, Ht, Wt, 3] of views whose network has predicted some: painted with what each
    view shows, as the service paints them."""
    predicted = codes.textures.permute(0, 2, 3, 1).cpu().numpy()
    images = codes.images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    masks = codes.masks.cpu().numpy().astype(np.float32) / np.float32(255)
    vertices, cameras = (one.float().cpu().numpy() for one in (codes.vertices, codes.cameras))
    transfer = TextureTransfer(template, *predicted.shape[1:3])

    def paint(number: int) -> NDArray[np.uint8]:
        here = slice(number, number + 1)
        view = look(vertices[here], cameras[here], template)
        texture = predicted[number].astype(np.float32) / np.float32(255)
        return transfer(images[number], masks[number], view, texture)

    return np.stack([*map(paint, range(len(predicted)))])


def buffers(cameras: NDArray[np.float32], given: Layers) -> Buffers:
    """Layers as the network takes them."""
    pixels = torch.from_numpy(given.backgrounds).permute(0, 3, 1, 2).float() / 255
    drawings = torch.from_numpy(given.drawings).permute(0, 3, 1, 2)
    return Buffers(
        torch.from_numpy(cameras), drawings, pixels, torch.from_numpy(given.holes)[:, None]
    )
