"""Photographs whose object a segmenter finds: what it is shown, and what its mask makes of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.averages import resize_square, resized
from graphics.frames import DETAIL, Frame, frame_around
from graphics.image_files import PhotographError
from graphics.object_choice import INSIDE, Box, choose_object
from graphics.photographs import Opened, Photograph, cut_out, letterbox, padded, square_of

CONTEXT = 0.25
"""Of the longer side of a client's box: what is shown around it on every side."""
OPAQUE = 128
"""Alpha from here on is the object's."""


class Shown(NamedTuple):
    """What a segmenter is shown of a photograph."""

    pixels: NDArray[np.uint8]
    """[S, S, 3]"""
    opened: Opened
    region: tuple[int, int, int, int]
    """Left, top, right, bottom of what the pixels show, in those of the opened image; it may reach
    outside."""
    box: Box | None
    """Left, top, right, bottom of the client's box, each 0..1 of the region."""


def show(opened: Opened, side: int, stretched: bool, box: Box | None = None) -> Shown:
    """The photograph, or what is around a box in it, as S x S pixels.

    `stretched` to the square, else padded to one by its edges. `box`: left, top, right, bottom in
    pixels of the upright photograph.

    Raises:
        PhotographError: the box cannot be used.
    """
    image = opened.image
    inner = None if box is None else box_within(opened, box)
    left, top, right, bottom = (0, 0, *image.size) if inner is None else _around(image, inner)
    part = image if inner is None else image.crop((left, top, right, bottom))
    if stretched:
        pixels, region = np.array(resized(part, (side, side))), (left, top, right, bottom)
    else:
        square, frame = padded(part, side)
        x, y, length = left + round(frame.left), top + round(frame.top), round(frame.side)
        pixels, region = np.array(resize_square(square, side)), (x, y, x + length, y + length)
    return Shown(pixels, opened, region, None if inner is None else _shares(inner, region))


def box_within(opened: Opened, box: Box) -> Box:
    """What of a client's box lies in the photograph, in pixels of the opened image.

    Raises:
        PhotographError: the box is empty, or outside.
    """
    left, top, right, bottom = box
    width, height = opened.size
    inner = max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)
    if not (inner[2] - inner[0] >= 1 and inner[3] - inner[1] >= 1):
        raise PhotographError(
            "bad_box",
            f"the box {left:g}, {top:g}, {right:g}, {bottom:g} holds no pixel of the photograph: "
            "give left, top, right, bottom in pixels of the upright photograph, which is "
            f"{width}x{height} px",
        )
    return _times(inner, 1 / opened.scale, 1 / opened.scale)


def cut_out_found(
    shown: Shown,
    mask: NDArray[np.float32],  # [s, s]: what the segmenter found, cut to 0..1
    resolution: int,  # R
    detail: int | None = None,
) -> Photograph:
    """The object meant, cut out as one whose mask came with the photograph.

    Where none is found, the whole photograph, with a mask that is 0 all over. `detail`: as in
    `graphics.photographs.cut_out`.
    """
    mask, side = np.clip(mask, 0, 1), len(mask)  # as bytes, what lies beyond would wrap round
    choice = choose_object(mask, None if shown.box is None else _times(shown.box, side, side))
    if choice is not None:
        opened = _no_finer(shown, choice.mask, resolution)
        coverage = _coverage(choice.mask, shown, opened.image)
        if np.asarray(coverage).max() >= OPAQUE:  # a few pixels may be lost as they are scaled
            found = cut_out(opened._replace(coverage=coverage), resolution, detail)
            frame = Frame(*(value / opened.scale for value in found.frame))
            scene = square_of(opened.image, frame, resolution)
            return found._replace(rival_share=choice.rival_share, scene=scene)
    nothing = np.zeros((resolution, resolution), np.float32)
    return letterbox(shown.opened, resolution, detail)._replace(mask=nothing, rival_share=0.0)


def _no_finer(shown: Shown, mask: NDArray[np.float32], resolution: int) -> Opened:
    """The photograph, not much finer than the cut-out of this mask has to be: all that is done to
    it takes as long as it is large."""
    left, top, right, bottom = shown.region
    height, width = np.ptp(np.argwhere(mask > INSIDE), axis=0) + 1
    box = _times((0, 0, width, height), (right - left) / len(mask), (bottom - top) / len(mask))
    side = frame_around(*box).side
    if (factor := int(side) // (DETAIL * resolution)) <= 1:
        return shown.opened
    return shown.opened._replace(image=shown.opened.image.reduce(factor))


def _coverage(mask: NDArray[np.float32], shown: Shown, image: Image.Image) -> Image.Image:
    """The mask of what was shown as a grey picture over the whole photograph."""
    scale = image.width / shown.opened.image.width
    left, top, right, bottom = (round(scale * value) for value in shown.region)
    coverage = Image.new("L", image.size)
    small = Image.fromarray(np.rint(mask * 255).astype(np.uint8))
    coverage.paste(resized(small, (max(1, right - left), max(1, bottom - top))), (left, top))
    return coverage


def _around(image: Image.Image, box: Box) -> tuple[int, int, int, int]:
    """A box and its surroundings, as far as the image goes."""
    left, top, right, bottom = box
    more = CONTEXT * max(right - left, bottom - top)
    return (
        max(0, int(left - more)),
        max(0, int(top - more)),
        min(image.width, int(right + more) + 1),
        min(image.height, int(bottom + more) + 1),
    )


def _shares(box: Box, region: tuple[int, int, int, int]) -> Box:
    left, top, right, bottom = region
    moved = box[0] - left, box[1] - top, box[2] - left, box[3] - top
    return _times(moved, 1 / (right - left), 1 / (bottom - top))


def _times(box: Box, x: float, y: float) -> Box:
    return box[0] * x, box[1] * y, box[2] * x, box[3] * y
