"""How alike two photographs are, if they show one object: outlines and colours, either in the
other's shape."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.fusing.readings import Reading, covered, mask_iou, turned
from graphics.mesh import Template
from graphics.render import View, look
from graphics.texture_transfer import TextureTransfer

TEXELS = (32, 64)
"""Height and width of the textures that are compared."""
LEAST_OVERLAP = 20.0
"""Texels that both have to show, or colours say nothing."""
COARSE = 2
"""Outlines and colours are compared at the resolution over this."""


class Likeness(NamedTuple):
    """Of two photographs, with one of them turned."""

    iou: float
    """0..1: mean IoU of the shape from one with the mask of the other."""
    colours: float | None
    """0..1: mean difference where both show the surface, mirrored or not; None where hardly."""


class Comparison:
    """Compares readings on one template; what each shows of itself is looked up once."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self._transfer = TextureTransfer(template, *TEXELS)

    def own(self, reading: Reading) -> "Shown":
        """What a photograph shows of the shape that was read in it."""
        view = look(reading.vertices[None], reading.camera[None], self.template)
        return self._shown(reading, view)

    def __call__(self, first: Reading, second: Reading, own: "Shown", degrees: float) -> Likeness:
        """The second photograph in the shape of the first, whose colours are `own`, with the second
        camera turned by `degrees`."""
        camera = turned(second.camera, degrees)
        view = look(first.vertices[None], camera[None], self.template)
        mask = second.mask[::COARSE, ::COARSE]
        iou = mask_iou(covered(view, len(mask)), mask > 0.5)
        other = self._shown(second, view)
        both = np.minimum(np.minimum(own.weights, other.weights), 1)
        if (overlap := float(both.sum())) < LEAST_OVERLAP:
            return Likeness(iou, None)
        off = np.abs(own.colours - other.colours).mean(axis=-1)
        return Likeness(iou, float((off * both).sum()) / overlap / 255)

    def _shown(self, reading: Reading, view: View) -> "Shown":
        pixels, mask = reading.pixels[::COARSE, ::COARSE], reading.mask[::COARSE, ::COARSE]
        colours, weights = self._transfer.seen(pixels, mask, view)
        mirrors = self._transfer.mirrored
        if not (mirrors >= 0).any():
            return Shown(colours, weights)
        there = mirrors >= 0
        weighted = colours * weights[..., None]
        weighted += weighted.reshape(-1, 3)[mirrors] * there[..., None]
        weights += weights.reshape(-1)[mirrors] * there
        mean = weighted / np.maximum(weights, 1e-6)[..., None]
        return Shown(mean.astype(np.float32, copy=False), weights)


class Shown(NamedTuple):
    """The surface that a photograph shows, or whose mirror image it shows."""

    colours: NDArray[np.float32]
    """[Ht, Wt, 3] in 0..255"""
    weights: NDArray[np.float32]
    """[Ht, Wt] in 0..2"""
