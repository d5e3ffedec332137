"""Which generated images are fit for multi-view training, by their masks (paper 3.1)."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from scipy import ndimage

COVERED = 128  # mask bytes from here on count as the object


class Verdict(IntEnum):
    """Why an image is kept or dropped, in the words of `graphics.quality`; the first reason that
    applies. The limits are a filter's own: it may be stricter with images than with clients."""

    KEPT = 0
    NO_OBJECT = 1
    TINY = 2
    TOUCHES_BORDER = 3
    SEVERAL_OBJECTS = 4


class MaskLimits(NamedTuple):
    """See `train.config.MultiviewConfig`."""

    smallest_mask: float
    largest_border: float
    second_instance: float


class Filtered(NamedTuple):
    """Masks with their verdicts."""

    masks: np.ndarray  # uint8 [B, R, R]: specks beside the object are erased
    verdicts: np.ndarray  # int8 [B], values of `Verdict`


def filter_masks(
    masks: np.ndarray,  # uint8 [B, R, R]
    limits: MaskLimits,
) -> Filtered:
    """Judge every mask and erase all but its largest connected part."""
    cleaned = masks.copy()
    verdicts = np.empty(len(masks), np.int8)
    for number, mask in enumerate(masks):
        verdicts[number] = _judge(mask, cleaned[number], limits)
    return Filtered(cleaned, verdicts)


def _judge(mask: np.ndarray, cleaned: np.ndarray, limits: MaskLimits) -> Verdict:
    covered = mask >= COVERED
    parts, count = ndimage.label(covered)
    if count == 0:
        return Verdict.NO_OBJECT
    areas = np.bincount(parts.ravel())[1:]
    largest = int(areas.argmax()) + 1
    cleaned[covered & (parts != largest)] = 0
    if areas.max() < limits.smallest_mask * mask.size:
        return Verdict.TINY
    border = np.concatenate([covered[0], covered[-1], covered[1:-1, 0], covered[1:-1, -1]])
    if border.mean() > limits.largest_border:
        return Verdict.TOUCHES_BORDER
    if count > 1 and np.sort(areas)[-2] > limits.second_instance * areas.max():
        return Verdict.SEVERAL_OBJECTS
    return Verdict.KEPT
