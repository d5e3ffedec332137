"""Quality flags: what about a photograph makes its reconstruction less to be trusted."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graphics.components import component_sizes
from service.imaging.images import Photograph

Flag = Literal[
    "touches_border", "tiny", "several_objects", "low_iou", "unlike_training", "no_object"
]

OBJECT = 0.5
"""A pixel whose mask is above this is the object's."""
BORDER_SHARE = 0.05
"""touches_border: the object takes more than this share of an edge of the photograph, which then
probably cuts it off."""
TINY_SHARE = 0.25
"""tiny: the object's longer side has fewer pixels of the photograph than this share of the model's
resolution."""
SECOND_OBJECT_SHARE = 0.15
"""several_objects: the mask's second largest connected part has at least this share of the largest
one's area."""
LOW_IOU = 0.7
"""low_iou: the mesh, drawn again from its camera, overlaps the mask by less than this (IoU)."""
UNDECIDED = (0.1, 0.9)
UNDECIDED_SHARE = 0.3
LOW_CONFIDENCE = 0.5
COLOUR_ERROR = 0.25
"""unlike_training, any of: the segmenter's values between `UNDECIDED` are more than
`UNDECIDED_SHARE` of the object's area; the confidence is below `LOW_CONFIDENCE`; the mesh drawn
again differs from the photograph by more than `COLOUR_ERROR` (mean over its pixels, 0..1)."""

DESCRIPTION = (
    f"touches_border: the object takes over {BORDER_SHARE:g} of an edge of the photograph; "
    f"tiny: its longer side has fewer pixels than {TINY_SHARE:g} of the model's resolution; "
    f"several_objects: the mask's second part has at least {SECOND_OBJECT_SHARE:g} of the largest "
    f"one's area; low_iou: rerender_iou under {LOW_IOU:g}; unlike_training: confidence under "
    f"{LOW_CONFIDENCE:g}, or a re-render {COLOUR_ERROR:g} of the colour range away from the "
    f"photograph, or a segmenter undecided ({UNDECIDED[0]:g}..{UNDECIDED[1]:g}) about more than "
    f"{UNDECIDED_SHARE:g} of the object's area; no_object: no pixel was recognised as the object"
)
"""What clients are told."""


def flags(
    photograph: Photograph,
    mask: NDArray[np.floating],  # [R, R] in 0..1
    rerender_iou: float,  # 0..1
    colour_error: float,  # 0..1
    confidence: float,  # 0..1
) -> list[Flag]:
    """The flags that apply, in the order of `Flag`; no_object stands alone."""
    inside = mask > OBJECT
    if not inside.any():
        return ["no_object"]
    found: dict[Flag, bool] = {
        "touches_border": _touches_border(photograph, inside),
        "tiny": _is_tiny(photograph, inside),
        "several_objects": _second_share(inside) >= SECOND_OBJECT_SHARE,
        "low_iou": rerender_iou < LOW_IOU,
        "unlike_training": confidence < LOW_CONFIDENCE
        or colour_error > COLOUR_ERROR
        # A mask that came with the photograph was not the segmenter's to decide.
        or (photograph.mask is None and _undecided_share(mask, inside) > UNDECIDED_SHARE),
    }
    return [flag for flag, applies in found.items() if applies]


def _touches_border(photograph: Photograph, inside: NDArray[np.bool_]) -> bool:
    """Looks at the outermost rows and columns of the photograph that lie in the frame."""
    resolution = len(inside)
    frame, (width, height) = photograph.frame, photograph.size
    scale = resolution / frame.side
    edges = []
    for lines, start, length in ((inside.T, frame.left, width), (inside, frame.top, height)):
        first, last = round(-start * scale), round((length - start) * scale) - 1
        edges += [lines[line] for line in (first, last) if 0 <= line < resolution]
    return any(np.count_nonzero(edge) > BORDER_SHARE * resolution for edge in edges)


def _is_tiny(photograph: Photograph, inside: NDArray[np.bool_]) -> bool:
    resolution = len(inside)
    longer = max(_extent(inside.any(axis=axis)) for axis in (0, 1))
    # Pixels that were only interpolated show nothing.
    return longer * min(1.0, photograph.frame.side / resolution) < TINY_SHARE * resolution


def _extent(line: NDArray[np.bool_]) -> int:
    places = np.flatnonzero(line)
    return int(places[-1] - places[0] + 1)


def _second_share(inside: NDArray[np.bool_]) -> float:
    sizes = sorted(component_sizes(inside).tolist())
    return sizes[-2] / sizes[-1] if len(sizes) > 1 else 0.0


def _undecided_share(mask: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    low, high = UNDECIDED
    return np.count_nonzero((mask > low) & (mask < high)) / np.count_nonzero(inside)
