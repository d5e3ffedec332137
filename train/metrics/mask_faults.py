"""What is wrong with masks that nothing can be learned from, judged one by one."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

LEAST = 0.01
"""Share of the image below which a mask covers nothing."""
FILLED = 0.97
"""Share of the photograph from which on a mask covers all of it."""
RIM = 0.6
"""Share of the photograph's outline that a mask covers where it is of the surroundings."""


class MaskFault(IntEnum):
    """The first that applies."""

    NONE = 0
    EMPTY = 1
    EVERYTHING = 2
    INVERTED = 3


SENTENCES = {
    MaskFault.EMPTY: "cover next to nothing",
    MaskFault.EVERYTHING: "cover all there is",
    MaskFault.INVERTED: "cover the surroundings and leave the object out",
}


def mask_faults(
    masks: NDArray[np.floating],  # [N, R, R] in 0..1
    whole: NDArray[np.bool_] | None = None,  # [N]
) -> NDArray[np.int64]:  # [N]
    """The `MaskFault` of each mask; pixels of at least one half are covered.

    `whole`: whether a mask's own box is the whole photograph; None: the images are photographs.
    """
    known = [None] * len(masks) if whole is None else whole.tolist()
    pairs = zip(masks, known, strict=True)
    return np.array([_fault(mask >= 0.5, is_whole) for mask, is_whole in pairs], np.int64)


def _fault(covered: NDArray[np.bool_], whole: bool | None) -> MaskFault:
    if covered.mean() < LEAST:
        return MaskFault.EMPTY
    rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
    box = covered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if not (box.shape == covered.shape if whole is None else whole):
        return MaskFault.NONE
    if box.mean() >= FILLED:
        return MaskFault.EVERYTHING
    height, width = box.shape
    middle = box[height // 4 : height - height // 4, width // 4 : width - width // 4].mean()
    rim = np.concatenate([box[0], box[-1], box[:, 0], box[:, -1]]).mean()
    return MaskFault.INVERTED if rim >= RIM and middle < rim else MaskFault.NONE
