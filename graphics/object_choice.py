"""The object meant, of all that a segmenter finds in a photograph.

It is the largest part of the mask, the more so the nearer to the middle; or the one in a box. What
is split by a lamp post is one object; what lies apart is another one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.parts import label_parts

INSIDE = 0.5
"""A pixel whose mask is above is an object's."""
CENTRAL = 2.0
"""A pixel counts exp(-CENTRAL r²), r from 0 in the middle to 1 in the middle of an edge."""
LEAST_PIECE = 0.05
"""Parts with less of the object's area are no pieces of it."""
WIDEST_GAP = 0.06
"""Between pieces of one object, as a share of the square root of its area. A post of 12 cm before a
car of 4.2 by 1.4 m leaves 0.05."""
LEAST_FACING = 0.8
"""Of a piece's side along the gap: so much must lie opposite the object."""
MARGIN = 0.02
"""Of the mask's side: how far around the object its soft edge is kept."""

Box = tuple[float, float, float, float]


class Choice(NamedTuple):
    """The object meant."""

    mask: NDArray[np.float32]
    """[H, W] in 0..1, as given; 0 where it is not this object's"""
    rival_share: float
    """0..: what the best of the others counts, as a share of what this one does"""


def choose_object(mask: NDArray[np.float32], box: Box | None = None) -> Choice | None:
    """The object meant by a photograph with this mask [H, W], 0..1; None where there is none.

    `box`: left, top, right, bottom around it, in pixels of the mask.
    """
    labels = label_parts(mask > INSIDE)
    counts = _central(labels) if box is None else _within(labels, box)
    if counts.max(initial=0.0) == 0:
        return None
    pieces = _pieces(labels, int(counts.argmax()))
    others = np.delete(counts, pieces)
    kept = np.isin(labels, np.array(pieces) + 1)
    around = _grown(kept, max(1, round(MARGIN * len(mask)))) & (labels == 0)
    chosen = np.where(kept | around, mask, np.float32(0))
    return Choice(chosen, float(others.max(initial=0.0) / counts[pieces].sum()))


def _central(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """[N] what each part counts: its pixels, the more the nearer to the middle."""
    rows, columns = (
        np.exp(-CENTRAL * ((np.arange(length) + 0.5) * 2 / length - 1) ** 2)
        for length in labels.shape
    )
    weights = np.outer(rows, columns).ravel()
    return np.bincount(labels.ravel(), weights, minlength=1)[1:].astype(np.float64)


def _within(labels: NDArray[np.int32], box: Box) -> NDArray[np.float64]:
    """[N] what each part counts: its pixels in the box, times the share of it that lies there."""
    left, top, right, bottom = (max(0, round(value)) for value in box)
    count = int(labels.max()) + 1
    inside = np.bincount(labels[top:bottom, left:right].ravel(), minlength=count)[1:]
    return inside**2 / np.bincount(labels.ravel(), minlength=count)[1:]


def _pieces(labels: NDArray[np.int32], main: int) -> list[int]:
    """The main part, and those that something thin before the object separates from it."""
    areas = np.bincount(labels.ravel())[1:]
    pieces, extent = [main], _extent(labels, main)
    # From the largest on, and around what has been joined.
    for part in np.argsort(-areas, kind="stable").tolist():
        if part == main or areas[part] < LEAST_PIECE * areas[main]:
            continue
        other = _extent(labels, part)
        if _facing(extent, other, WIDEST_GAP * float(np.sqrt(areas[main]))):
            pieces.append(part)
            extent = np.stack([np.minimum(extent[0], other[0]), np.maximum(extent[1], other[1])])
    return pieces


def _extent(labels: NDArray[np.int32], part: int) -> NDArray[np.int64]:
    """[[top, left], [bottom, right]] of a part, in pixels."""
    where = np.argwhere(labels == part + 1)
    return np.stack([where.min(axis=0), where.max(axis=0) + 1])


def _facing(first: NDArray[np.int64], second: NDArray[np.int64], widest: float) -> bool:
    """Whether the second part stands opposite the first, at most `widest` pixels away."""
    overlap = np.minimum(first[1], second[1]) - np.maximum(first[0], second[0])
    facing = overlap >= LEAST_FACING * (second[1] - second[0])
    near = -overlap <= widest
    return bool((facing & near[::-1]).any())


def _grown(inside: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """All that is at most so many steps away."""
    grown = inside.copy()
    for _ in range(pixels):
        before = grown.copy()
        grown[1:] |= before[:-1]
        grown[:-1] |= before[1:]
        grown[:, 1:] |= before[:, :-1]
        grown[:, :-1] |= before[:, 1:]
    return grown
