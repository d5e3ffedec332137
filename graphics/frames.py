"""The square of a photograph around its object, and how many pixels it is made of."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from graphics.image_files import PhotographError

FRAME = 2.2
"""Side of a cut-out's square over the square root of its object's width times height: about that of
the training's cameras, from any side of the object."""
LARGEST_FILL = 0.9  # of the square's side that the longer side of a cut-out object may take
DETAIL = 4  # large images are first brought to about this many times the resolution, which is quick


class Frame(NamedTuple):
    """The square of the upright photograph that the camera sees; it may reach outside."""

    left: float  # pixels of the upright photograph, from its left edge
    top: float  # pixels, from its top edge
    side: float  # pixels


def frame_around(left: float, top: float, right: float, bottom: float) -> Frame:
    """The square around an object's box, all in pixels of the upright photograph.

    Raises:
        PhotographError: the box has no size.
    """
    if not (right > left and bottom > top):
        box = f"{left:g}, {top:g}, {right:g}, {bottom:g}"
        raise PhotographError(
            "empty_box", f"the box {box} has no size: give left, top, right, bottom"
        )
    width, height = right - left, bottom - top
    side = max(1, round(max(FRAME * sqrt(width * height), max(width, height) / LARGEST_FILL)))
    return Frame((left + right - side) // 2, (top + bottom - side) // 2, side)


def needed_side(resolution: int, pointed_out: bool) -> int:
    """Pixels of the shorter side of a photograph of which R x R are to be made."""
    # An object that has to be pointed out may be a small part, others rarely under a half.
    return (DETAIL if pointed_out else 2) * DETAIL * resolution
