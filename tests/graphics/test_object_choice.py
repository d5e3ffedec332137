import numpy as np
import pytest

from graphics.object_choice import choose_object

SIDE = 100


def scene(*boxes, value=1.0):
    """A mask [SIDE, SIDE] of boxes (left, top, right, bottom)."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = value
    return mask


def chosen(mask, box=None):
    choice = choose_object(mask, box)
    return np.argwhere(choice.mask > 0.5)[:, ::-1].min(0).tolist(), int((choice.mask > 0.5).sum())


CENTRE, CORNER = (40, 40, 60, 60), (2, 2, 25, 25)


def test_nothing_is_chosen_where_nothing_is():
    assert choose_object(scene()) is None
    assert choose_object(scene(CENTRE, value=0.5)) is None


def test_the_largest_part_is_the_object():
    assert chosen(scene((20, 20, 60, 60), (80, 40, 90, 60))) == ([20, 20], 1600)


def test_a_part_in_the_middle_goes_before_a_larger_one_in_a_corner():
    assert chosen(scene(CENTRE, CORNER)) == ([40, 40], 400)


def test_a_part_far_larger_goes_before_one_in_the_middle():
    assert chosen(scene((45, 45, 50, 50), (0, 0, 40, 100))) == ([0, 0], 4000)


def test_holes_stay_as_they_are():
    mask = scene((20, 20, 80, 80))
    mask[40:50, 40:50] = 0
    assert chosen(mask) == ([20, 20], 3500)


def test_small_parts_that_touch_nothing_are_dropped():
    assert chosen(scene(CENTRE, (62, 45, 63, 48), (40, 65, 43, 67))) == ([40, 40], 400)


POST = (20, 40, 49, 60), (50, 42, 85, 60)
"""A long object behind something thin."""


def test_what_something_thin_splits_stays_one_object():
    assert chosen(scene(*POST)) == ([20, 40], 29 * 20 + 35 * 18)
    assert choose_object(scene(*POST)).rival_share == 0


def test_a_third_piece_is_beside_the_second():
    pieces = (20, 40, 48, 60), (49, 40, 70, 60), (71, 40, 85, 60)
    assert chosen(scene(*pieces)) == ([20, 40], 20 * (28 + 21 + 14))


@pytest.mark.parametrize(
    "other",
    [
        (60, 40, 95, 60),  # a wide gap
        (50, 55, 85, 75),  # not opposite
        (50, 10, 54, 60),  # a pillar that towers over it
    ],
)
def test_what_stands_apart_or_not_opposite_is_another_object(other):
    found, _ = chosen(scene(POST[0], other))
    count = int((choose_object(scene(POST[0], other)).mask > 0.5).sum())
    assert count in (29 * 20, (other[2] - other[0]) * (other[3] - other[1])), found


def test_the_rival_counts_by_its_area_and_place():
    like = choose_object(scene((10, 40, 40, 60), (62, 40, 90, 60)))
    assert 0.7 < like.rival_share < 1
    far = choose_object(scene(CENTRE, CORNER))
    assert 0.1 < far.rival_share < 0.5
    assert choose_object(scene(CENTRE)).rival_share == 0


def test_the_soft_edge_stays_and_what_is_soft_elsewhere_goes():
    mask = scene(CENTRE)
    mask[39, 40:60] = 0.3
    mask[10:20, 10:20] = 0.4
    found = choose_object(mask).mask
    assert np.all(found[39, 40:60] == np.float32(0.3)) and found[10:20, 10:20].max() == 0


def test_a_box_names_the_object_whatever_is_larger_or_more_central():
    mask = scene(CENTRE, CORNER)
    assert chosen(mask, (0, 0, 30, 30)) == ([2, 2], 23 * 23)
    # Half of the large one is in the box, and all of the small one.
    mask = scene((0, 0, 50, 100), (55, 40, 75, 60))
    assert chosen(mask, (35, 35, 80, 65))[0] == [55, 40]


def test_a_box_beside_everything_holds_no_object():
    assert choose_object(scene(CENTRE), (70, 70, 90, 90)) is None
    assert choose_object(scene(CENTRE), (-20, -20, -5, -5)) is None


def test_the_choice_leaves_the_mask_as_it_was():
    mask = scene(CENTRE, CORNER)
    before = mask.copy()
    choose_object(mask)
    np.testing.assert_array_equal(mask, before)
