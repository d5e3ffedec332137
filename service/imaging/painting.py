"""The texture with the photograph's own detail: lamps, doors, writing."""

import operator
import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.averages import resize_square
from graphics.fusing.painting import Shot, coverage, paint
from graphics.mesh import Template
from graphics.photographs import Photograph
from graphics.render import View
from graphics.texture import Enlargement
from graphics.texture_transfer import TextureTransfer
from service.imaging.images import resize_longer, scaled, to_bytes, to_floats

LARGEST_WIDTH = 1024
"""Texels; larger textures are painted at this width and enlarged: no photograph is kept finer."""


class _Size(NamedTuple):
    """Everything that is prepared for textures of one size."""

    transfer: TextureTransfer
    enlargement: Enlargement | None
    """Enlarges predicted textures; None where they are larger."""


class ObjectShot(NamedTuple):
    """One of an object's photographs."""

    photograph: Photograph
    mask: NDArray[np.float32]
    """[R, R] in 0..1"""
    view: View
    """Of the object by the photograph's camera, B = 1."""
    weight: float
    """0..1: how much it is trusted"""


class Painter:
    """Puts photographs on predicted textures. Safe to call from many threads at once."""

    def __init__(self, template: Template, predicted_size: tuple[int, int]) -> None:
        """`predicted_size`: (height, width) of predicted textures."""
        self.template = template
        self._predicted_size = predicted_size
        self._sizes: dict[tuple[int, int], _Size] = {}
        self._preparing = threading.Lock()

    def height(self, longer: int) -> int:
        """Texels from top to bottom of what is painted for a longer side of so many."""
        return scaled(*self._predicted_size, min(longer, LARGEST_WIDTH))[0]

    def paint(
        self,
        photograph: Photograph,
        mask: NDArray[np.float32],  # [R, R] in 0..1
        view: View,  # of the mesh by its camera, B = 1
        predicted: NDArray[np.float32],  # [h, w, 3] in 0..1
        longer: int,
    ) -> NDArray[np.uint8]:  # [Ht, Wt, 3]
        """The texture with a longer side of so many texels, from the finest pixels that were
        kept."""
        transfer, texture = self._begin(predicted, longer)
        painted = transfer(_fine(photograph, transfer), mask, view, texture)
        return painted if max(painted.shape) >= longer else resize_longer(painted, longer)

    def paint_object(
        self,
        shots: Sequence[ObjectShot],
        predicted: NDArray[np.float32],  # [h, w, 3] in 0..1
        longer: int,
        symmetric: bool,
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """The texture [Ht, Wt, 3] of an object from all its photographs, and the shares [N + 1] of
        its surface that 0, 1 .. N of them show."""
        transfer, texture = self._begin(predicted, longer)
        finest = [
            Shot(_fine(photograph, transfer), mask, view, weight)
            for photograph, mask, view, weight in shots
        ]
        painted, views = paint(transfer, finest, texture, symmetric)
        shares = coverage(transfer, finest[0].view, views, len(shots))
        larger = max(painted.shape) >= longer
        return painted if larger else resize_longer(painted, longer), shares

    def _begin(
        self, predicted: NDArray[np.float32], longer: int
    ) -> tuple[TextureTransfer, NDArray[np.float32]]:
        """What paints textures of this size, and a predicted one of it."""
        transfer, enlargement = self._size(longer)
        if enlargement is not None:
            return transfer, enlargement(predicted)
        return transfer, to_floats(resize_longer(to_bytes(predicted), transfer.width))

    def _size(self, longer: int) -> _Size:
        size = scaled(*self._predicted_size, min(longer, LARGEST_WIDTH))
        with self._preparing:
            if size not in self._sizes:
                larger = all(map(operator.ge, size, self._predicted_size))
                made = _Size(
                    TextureTransfer(self.template, *size),
                    Enlargement(self._predicted_size, size) if larger else None,
                )
                # The default size is made first and kept, and one besides: clients choose among
                # thousands.
                first = dict(list(self._sizes.items())[:1])
                self._sizes = {**first, size: made}
            return self._sizes[size]


def _fine(photograph: Photograph, transfer: TextureTransfer) -> NDArray[np.uint8]:
    """Its square, about as high as the texture where it is as fine."""
    side = min(len(photograph.detail), max(transfer.height, len(photograph.pixels)))
    if len(photograph.detail) == side:
        return photograph.detail
    return np.array(resize_square(Image.fromarray(photograph.detail), side))
