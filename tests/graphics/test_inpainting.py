import numpy as np
import pytest

from graphics.inpainting import fill, whole_hole, with_rim


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


def test_rows_go_on_through_a_hole():
    rows = np.linspace(20, 220, 48).astype(np.uint8)
    rows[30:] = 40  # a horizon
    pixels = np.broadcast_to(rows[:, None, None], (48, 48, 3)).copy()
    hole = np.zeros((48, 48), bool)
    hole[20:40, 15:35] = True
    filled = fill(np.where(hole[..., None], np.uint8(255), pixels), hole).astype(int)
    # Block averages are 17.5 off, and a filling that prefers no direction 20.9.
    assert np.abs(filled - pixels)[hole].mean() < 12


@pytest.mark.parametrize("side", [32, 64, 200])
def test_the_whole_hole_has_the_rim_and_the_contact_shadow(side):
    hole = np.zeros((side, side), bool)
    top, bottom, left, right = side // 4, side // 2, side // 3, 2 * side // 3
    hole[top:bottom, left:right] = True
    whole = whole_hole(hole)
    rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    rim, below = max(1, round(side / 64)), round(side / 16)
    assert (top - rows[0], rows[-1] - (bottom - 1)) == (rim, rim + below)
    assert (left - columns[0], columns[-1] - (right - 1)) == (rim + below, rim + below)
    upper = np.flatnonzero(whole[top])
    assert (left - upper[0], upper[-1] - (right - 1)) == (rim, rim)
    assert np.array_equal(whole_hole(whole_hole(hole)) & hole, hole)
    rim_alone = np.flatnonzero(with_rim(hole).any(axis=1))
    assert (rim_alone[0], rim_alone[-1]) == (top - rim, bottom - 1 + rim)
    none = np.zeros((side, side), bool)
    assert not whole_hole(none).any() and whole_hole(~none).all()


def test_a_hole_at_the_edge_does_not_come_round():
    hole = np.zeros((64, 64), bool)
    hole[-3:, :3] = True
    whole = whole_hole(hole)
    assert not whole[:32].any() and not whole[:, 32:].any()
