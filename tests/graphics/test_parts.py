import numpy as np
import pytest

from graphics.parts import component_sizes, label_parts


def test_parts_are_counted_in_reading_order_and_corners_do_not_touch():
    inside = np.zeros((6, 7), bool)
    inside[0, 0] = inside[4, 1] = inside[5, 6] = True
    inside[2:4, 2:5] = True
    assert component_sizes(inside).tolist() == [1, 6, 1, 1]


def test_nothing_and_everything():
    assert component_sizes(np.zeros((3, 4), bool)).tolist() == []
    assert component_sizes(np.ones((3, 4), bool)).tolist() == [12]


def test_a_spiral_is_one_part():
    inside = np.zeros((9, 9), bool)
    inside[0], inside[:, 8], inside[8], inside[2:, 0], inside[2, :7] = (True,) * 5
    assert component_sizes(inside).tolist() == [inside.sum()]


def test_another_kind_of_array_is_refused():
    with pytest.raises(ValueError, match="must be bool"):
        component_sizes(np.zeros((3, 4), np.uint8))


def test_every_pixel_has_the_number_of_its_part():
    inside = np.array([[1, 0, 1], [1, 0, 1], [0, 1, 0]], bool)
    assert label_parts(inside).tolist() == [[1, 0, 2], [1, 0, 2], [0, 3, 0]]
