"""The texture with the photograph's own detail: lamps, doors, writing."""

import operator
import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.averages import resize_square
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
        transfer, enlargement = self._size(longer)
        if enlargement is not None:
            texture = enlargement(predicted)
        else:
            texture = to_floats(resize_longer(to_bytes(predicted), transfer.width))
        side = min(len(photograph.detail), max(transfer.height, len(photograph.pixels)))
        fine = photograph.detail
        if len(fine) != side:
            fine = np.array(resize_square(Image.fromarray(fine), side))
        painted = transfer(fine, mask, view, texture)
        return painted if max(painted.shape) >= longer else resize_longer(painted, longer)

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
