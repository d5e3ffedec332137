"""Quality flags: what about a photograph makes its reconstruction less to be trusted.

`TABLE` holds every flag with its thresholds. The service flags by it and tells its clients so; so
does the evaluation of photographs.
"""

from __future__ import annotations

from itertools import groupby
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.azimuth import OPPOSITE_DEGREES
from graphics.object_choice import INSIDE
from graphics.parts import component_sizes
from graphics.photographs import Photograph

Flag = Literal[
    "touches_border",
    "tiny",
    "several_objects",
    "low_iou",
    "unlike_training",
    "ambiguous_front_back",
    "no_object",
]


class Criterion(NamedTuple):
    """When a flag is raised; a flag with several criteria needs one of them."""

    flag: Flag
    threshold: float
    meaning: str  # for clients; the threshold stands in the place of {:g}


UNDECIDED = (0.1, 0.9)
"""A mask value below the first is surely background, above the second surely the object."""
BORDER_SHARE = Criterion(
    "touches_border", 0.05, "the object takes over {:g} of an edge of the photograph"
)
TINY_SHARE = Criterion(
    "tiny", 0.25, "its longer side has fewer pixels than {:g} of the model's resolution"
)
SECOND_OBJECT_SHARE = Criterion(
    "several_objects",
    0.15,
    "a mask's second part has at least {:g} of the largest one's area, or what the segmenter found "
    "besides has as much of the object's, less where it is far from the middle",
)
LOW_IOU = Criterion("low_iou", 0.7, "rerender_iou under {:g}")
LOW_CONFIDENCE = Criterion("unlike_training", 0.5, "confidence under {:g}")
COLOUR_ERROR = Criterion(
    "unlike_training", 0.25, "a re-render {:g} of the colour range away from the photograph"
)
UNDECIDED_SHARE = Criterion(
    "unlike_training",
    0.3,
    f"a segmenter undecided ({UNDECIDED[0]:g}..{UNDECIDED[1]:g}) about more than {{:g}} of the "
    "object's area",
)
OPPOSITE = Criterion(
    "ambiguous_front_back",
    0.15,
    f"an azimuth within {OPPOSITE_DEGREES:g} degrees of the opposite one has a probability of at "
    "least {:g}",
)
OBJECT = Criterion("no_object", INSIDE, "no pixel was recognised as the object")
"""A pixel whose mask is above the threshold is the object's."""
TABLE = (
    BORDER_SHARE, TINY_SHARE, SECOND_OBJECT_SHARE, LOW_IOU,
    LOW_CONFIDENCE, COLOUR_ERROR, UNDECIDED_SHARE, OPPOSITE, OBJECT,
)  # fmt: skip

DESCRIPTION = "; ".join(
    f"{flag}: " + ", or ".join(one.meaning.format(one.threshold) for one in criteria)
    for flag, criteria in groupby(TABLE, lambda criterion: criterion.flag)
)
"""The flags as clients read of them."""


def flags(
    photograph: Photograph,
    mask: NDArray[np.floating],  # [R, R] in 0..1
    rerender_iou: float,  # 0..1: the mesh, rendered by its camera, against the mask
    colour_error: float,  # 0..1
    confidence: float,  # 0..1
    opposite: float,  # 0..1: of the camera's opposite, by `graphics.azimuth.opposite_probability`
) -> list[Flag]:
    """The flags that apply, in the order of `Flag`; no_object stands alone."""
    inside = mask > OBJECT.threshold
    if not inside.any():
        return ["no_object"]
    rival = photograph.rival_share
    second = _second_share(inside) if rival is None else rival
    # A mask that came with the photograph was not the segmenter's to decide.
    segmented = photograph.mask is None or rival is not None
    found: dict[Flag, bool] = {
        "touches_border": _touches_border(photograph, inside),
        "tiny": _is_tiny(photograph, inside),
        "several_objects": second >= SECOND_OBJECT_SHARE.threshold,
        "low_iou": rerender_iou < LOW_IOU.threshold,
        "unlike_training": confidence < LOW_CONFIDENCE.threshold
        or colour_error > COLOUR_ERROR.threshold
        or (segmented and _undecided_share(mask, inside) > UNDECIDED_SHARE.threshold),
        "ambiguous_front_back": opposite >= OPPOSITE.threshold,
    }
    return [flag for flag, applies in found.items() if applies]


def colour_difference(
    pixels: NDArray[np.uint8],  # [R, R, 3]
    rerender: NDArray[np.floating],  # [R, R, 3] in 0..1
    covered: NDArray[np.bool_],  # [R, R]: where the mesh is rendered
) -> float:
    """Mean difference of a photograph and the mesh rendered over it, 0..1; 1 where none is."""
    if not covered.any():
        return 1.0
    return float(np.abs(pixels[covered] / np.float32(255) - rerender[covered]).mean())


def _touches_border(photograph: Photograph, inside: NDArray[np.bool_]) -> bool:
    """Looks at the outermost rows and columns of the photograph that lie in the frame."""
    resolution = len(inside)
    frame, (width, height) = photograph.frame, photograph.size
    scale = resolution / frame.side
    edges = []
    for lines, start, length in ((inside.T, frame.left, width), (inside, frame.top, height)):
        first, last = round(-start * scale), round((length - start) * scale) - 1
        edges += [lines[line] for line in (first, last) if 0 <= line < resolution]
    return any(np.count_nonzero(edge) > BORDER_SHARE.threshold * resolution for edge in edges)


def _is_tiny(photograph: Photograph, inside: NDArray[np.bool_]) -> bool:
    resolution = len(inside)
    longer = max(int(np.ptp(indices)) + 1 for indices in np.nonzero(inside))
    # Pixels that were only interpolated show nothing.
    return longer * min(1.0, photograph.frame.side / resolution) < TINY_SHARE.threshold * resolution


def _second_share(inside: NDArray[np.bool_]) -> float:
    sizes = sorted(component_sizes(inside).tolist())
    return sizes[-2] / sizes[-1] if len(sizes) > 1 else 0.0


def _undecided_share(mask: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    low, high = UNDECIDED
    return np.count_nonzero((mask > low) & (mask < high)) / np.count_nonzero(inside)
