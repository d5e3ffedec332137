import numpy as np
import pytest

from train.metrics.mask_iou import mask_iou, solid


def test_two_squares_that_share_a_column() -> None:
    first, second = np.zeros((2, 5, 7), bool)
    first[1:3, 1:3] = True  # 4 pixels
    second[1:3, 2:5] = True  # 6 pixels, 2 of them in both
    assert mask_iou(first, second) == pytest.approx(2 / 8)


def test_batch_axes_are_kept_and_empty_masks_agree() -> None:
    masks = np.zeros((2, 3, 4, 5), np.uint8)
    masks[1, 2] = 255
    other = np.zeros_like(masks)
    other[1, 2, :, :2] = 200
    assert np.allclose(mask_iou(masks, other), [[1, 1, 1], [1, 1, 0.4]])


def test_half_covered_pixels_belong_to_the_object() -> None:
    assert solid(np.array([[127, 128]], np.uint8)).tolist() == [[False, True]]
    assert solid(np.array([[0.49, 0.5]], np.float32)).tolist() == [[False, True]]


def test_other_masks_are_refused() -> None:
    with pytest.raises(TypeError, match="int64"):
        solid(np.zeros((2, 2), np.int64))
    with pytest.raises(ValueError, match=r"\(2, 2\) and \(2, 3\)"):
        mask_iou(np.zeros((2, 2), bool), np.zeros((2, 3), bool))
