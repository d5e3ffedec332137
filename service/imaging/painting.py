"""The texture with the photograph's own detail: lamps, doors, writing."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.mesh import Template
from graphics.texture_transfer import TextureTransfer
from service.imaging.images import Photograph, resize_longer, resize_square, to_bytes
from service.inference.runners import Reconstruction

LARGEST_WIDTH = 1024
"""Texels; larger textures are painted at this width and enlarged: no photograph is kept finer."""


class Painter:
    """Puts photographs on predicted textures. Safe to call from many threads at once."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self._transfers: dict[tuple[int, int], TextureTransfer] = {}
        self._preparing = threading.Lock()

    def paint(
        self,
        photograph: Photograph,
        mask: NDArray[np.float32],  # [R, R] in 0..1
        found: Reconstruction,
        longer: int,
    ) -> NDArray[np.uint8]:  # [Ht, Wt, 3]
        """The texture with a longer side of so many texels, from the finest pixels that were
        kept."""
        texture = resize_longer(to_bytes(found.texture), min(longer, LARGEST_WIDTH))
        side = min(len(photograph.detail), max(len(texture), len(photograph.pixels)))
        fine = np.asarray(resize_square(Image.fromarray(photograph.detail), side))
        transfer = self._transfer(*texture.shape[:2])
        pixels, predicted = fine / np.float32(255), texture / np.float32(255)
        painted = to_bytes(transfer(pixels, mask, found.vertices, found.camera, predicted))
        return painted if max(painted.shape) >= longer else resize_longer(painted, longer)

    def _transfer(self, height: int, width: int) -> TextureTransfer:
        with self._preparing:
            if (height, width) not in self._transfers:
                made = TextureTransfer(self.template, height, width)
                # The default size is made first and kept, and one besides: clients choose among
                # thousands.
                first = dict(list(self._transfers.items())[:1])
                self._transfers = {**first, (height, width): made}
            return self._transfers[height, width]
