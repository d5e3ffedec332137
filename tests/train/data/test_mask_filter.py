import numpy as np
import pytest

from train.data.mask_filter import MaskLimits, Verdict, filter_masks

LIMITS = MaskLimits(smallest_mask=0.1, largest_border=0.05, second_instance=0.1)


def blank() -> np.ndarray:
    return np.zeros((20, 20), np.uint8)


def disc() -> np.ndarray:
    mask = blank()
    mask[5:14, 5:14] = 255
    return mask


@pytest.mark.parametrize(
    ("rows", "columns", "value", "verdict"),
    [
        (slice(0, 0), slice(0, 0), 255, Verdict.KEPT),
        (slice(16, 18), slice(16, 19), 255, Verdict.KEPT),  # a speck
        (slice(16, 19), slice(1, 9), 255, Verdict.SEVERAL_OBJECTS),
        (slice(5, 14), slice(5, 20), 255, Verdict.TOUCHES_BORDER),
        (slice(16, 19), slice(1, 9), 100, Verdict.KEPT),  # hardly covered
    ],
)
def test_verdicts_on_a_disc_with_something_added(rows, columns, value, verdict):
    mask = disc()
    mask[rows, columns] = np.maximum(mask[rows, columns], value)
    assert filter_masks(mask[None], LIMITS).verdicts.tolist() == [verdict]


def test_empty_and_small_masks_are_told_apart():
    small = blank()
    small[8:12, 8:12] = 255  # 4 %
    assert filter_masks(np.stack([blank(), small]), LIMITS).verdicts.tolist() == [
        Verdict.NO_OBJECT,
        Verdict.TINY,
    ]


def test_specks_are_erased_and_soft_edges_stay():
    mask = disc()
    mask[4, 5:14] = 60
    mask[17, 17] = 255
    cleaned = filter_masks(mask[None], LIMITS).masks[0]
    assert cleaned[17, 17] == 0 and mask[17, 17] == 255
    mask[17, 17] = 0
    assert np.array_equal(cleaned, mask)


def test_an_object_that_touches_the_border_a_little_is_kept():
    mask = disc()
    mask[13:, 8:11] = 255  # 3 of 76 border pixels
    assert filter_masks(mask[None], LIMITS).verdicts.tolist() == [Verdict.KEPT]
