import numpy as np
import pytest

from graphics.inpainting import fill


def test_what_is_known_stays_and_a_flat_picture_is_flat_again():
    pixels = np.full((37, 37, 3), (10, 200, 30), np.uint8)
    hole = np.zeros((37, 37), bool)
    hole[8:30, 5:20] = True
    damaged = np.where(hole[..., None], np.uint8(128), pixels)
    np.testing.assert_array_equal(fill(damaged, hole), pixels)


@pytest.mark.parametrize("side", [8, 33, 64])
def test_a_hole_takes_after_the_nearer_side(side):
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[side // 2 :] = 200
    hole = np.zeros((side, side), bool)
    hole[1:-1, side // 4 : -(side // 4)] = True
    random = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    filled = fill(np.where(hole[..., None], random, pixels), hole)
    np.testing.assert_array_equal(filled[~hole], pixels[~hole])
    assert filled[1, side // 2].max() < 100
    assert filled[-2, side // 2].min() > 100


def test_nothing_to_fill_and_nothing_to_fill_from():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fill(pixels, np.zeros((9, 9), bool)), pixels)
    assert np.all(fill(pixels, np.ones((9, 9), bool)) == 128)
