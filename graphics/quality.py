"""Quality flags: what about a photograph makes its reconstruction less to be trusted.

`TABLE` holds every flag with its thresholds. The service flags by it and tells its clients so; so
does the evaluation of photographs.
"""

from __future__ import annotations

from itertools import groupby
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import compiled
from graphics.photographs import Photograph


def component_sizes(inside: NDArray[np.bool_]) -> NDArray[np.int64]:  # [H, W]
    """Pixels of each 4-connected part, [N], N >= 0, in the order their first pixels are read."""
    if inside.ndim != 2 or inside.dtype != np.bool_:
        raise ValueError(f"inside is {inside.dtype} {inside.shape}; it must be bool [H, W]")
    return _sizes(np.ascontiguousarray(inside))


@compiled
def _sizes(inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    height, width = inside.shape
    seen = np.zeros(height * width, np.bool_)
    stack = np.empty(height * width, np.int64)
    sizes = []
    for start in range(height * width):
        if seen[start] or not inside[start // width, start % width]:
            continue
        seen[start], stack[0] = True, start
        depth, size = 1, 0
        while depth:
            depth -= 1
            size += 1
            row, column = stack[depth] // width, stack[depth] % width
            for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                r, c = row + down, column + right
                if 0 <= r < height and 0 <= c < width:
                    neighbour = r * width + c
                    if inside[r, c] and not seen[neighbour]:
                        seen[neighbour] = True  # each pixel is put on the stack once
                        stack[depth] = neighbour
                        depth += 1
        sizes.append(size)
    return np.array(sizes, np.int64)


Flag = Literal[
    "touches_border", "tiny", "several_objects", "low_iou", "unlike_training", "no_object"
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
    "several_objects", 0.15, "the mask's second part has at least {:g} of the largest one's area"
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
OBJECT = Criterion("no_object", 0.5, "no pixel was recognised as the object")
"""A pixel whose mask is above the threshold is the object's."""
TABLE = (
    BORDER_SHARE, TINY_SHARE, SECOND_OBJECT_SHARE, LOW_IOU,
    LOW_CONFIDENCE, COLOUR_ERROR, UNDECIDED_SHARE, OBJECT,
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
) -> list[Flag]:
    """The flags that apply, in the order of `Flag`; no_object stands alone."""
    inside = mask > OBJECT.threshold
    if not inside.any():
        return ["no_object"]
    found: dict[Flag, bool] = {
        "touches_border": _touches_border(photograph, inside),
        "tiny": _is_tiny(photograph, inside),
        "several_objects": _second_share(inside) >= SECOND_OBJECT_SHARE.threshold,
        "low_iou": rerender_iou < LOW_IOU.threshold,
        "unlike_training": confidence < LOW_CONFIDENCE.threshold
        or colour_error > COLOUR_ERROR.threshold
        # A mask that came with the photograph was not the segmenter's to decide.
        or (photograph.mask is None and _undecided_share(mask, inside) > UNDECIDED_SHARE.threshold),
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
