from typing import get_args

import numpy as np
import pytest

from graphics import quality
from graphics.frames import Frame
from graphics.photographs import Photograph

R = 64


def photograph(size=(640, 640), frame=(0, 0, 640), mask=None):
    return Photograph(*np.zeros((2, R, R, 3), np.uint8), mask, Frame(*frame), size)


def box(top, bottom, left, right):
    mask = np.zeros((R, R), np.float32)
    mask[top:bottom, left:right] = 1
    return mask


def flags(mask, taken=None, iou=0.9, colour_error=0.1, confidence=0.9, opposite=0.0):
    return quality.flags(taken or photograph(), mask, iou, colour_error, confidence, opposite)


def test_a_good_photograph_has_no_flag():
    assert flags(box(16, 48, 16, 48)) == []


def test_no_object_stands_alone():
    assert flags(np.zeros((R, R), np.float32), iou=0, confidence=0) == ["no_object"]


@pytest.mark.parametrize(
    "edge", [(0, 30, 20, 50), (40, 64, 20, 50), (20, 50, 0, 30), (20, 50, 40, 64)]
)
def test_an_object_at_any_edge_touches_the_border(edge):
    assert flags(box(*edge)) == ["touches_border"]


def test_the_border_is_the_photograph_s_not_the_padding_s():
    wide = photograph((640, 320), (0, -160, 640))  # content in rows 16..48
    assert flags(box(16, 40, 10, 50), wide) == ["touches_border"]
    assert flags(box(18, 46, 10, 50), wide) == []
    tall = photograph((320, 640), (-160, 0, 640))
    assert flags(box(10, 50, 20, 48), tall) == ["touches_border"]


def test_a_cut_out_in_the_middle_of_its_photograph_touches_nothing():
    cut = photograph((1000, 1000), (400, 400, 200), mask=box(10, 54, 10, 54))
    assert flags(box(10, 54, 10, 54), cut) == []


def test_few_pixels_are_tiny():
    assert flags(box(30, 40, 30, 40)) == ["tiny"]
    # Large in its frame, but the frame is 20 pixels of the photograph.
    enlarged = photograph((600, 600), (300, 300, 20), mask=box(10, 54, 10, 54))
    assert flags(box(10, 54, 10, 54), enlarged) == ["tiny"]


def test_a_second_part_of_some_size_is_another_object():
    mask = box(16, 48, 8, 36)
    mask[16:32, 44:60] = 1
    assert flags(mask) == ["several_objects"]
    mask[16:32, 44:60] = 0
    mask[16:20, 44:48] = 1
    assert flags(mask) == []


def test_a_poor_overlap_is_flagged():
    assert flags(box(16, 48, 16, 48), iou=0.69) == ["low_iou"]
    assert flags(box(16, 48, 16, 48), iou=0.7) == []


def test_doubt_means_unlike_the_training_set():
    mask = box(16, 48, 16, 48)
    assert flags(mask, confidence=0.49) == ["unlike_training"]
    assert flags(mask, colour_error=0.26) == ["unlike_training"]
    undecided = mask.copy()
    undecided[48:62, 16:48] = 0.4
    assert flags(undecided) == ["unlike_training"]
    assert flags(undecided, photograph(mask=undecided)) == []


def test_a_likely_view_from_the_other_side_is_ambiguous():
    mask, limit = box(16, 48, 16, 48), quality.OPPOSITE.threshold
    assert flags(mask, opposite=limit) == ["ambiguous_front_back"]
    assert flags(mask, opposite=limit - 0.01) == []
    assert flags(mask, confidence=0.4, opposite=0.4) == ["unlike_training", "ambiguous_front_back"]
    assert flags(mask * 0, opposite=0.4) == ["no_object"]


def test_a_drawing_differs_by_the_mean_of_what_it_covers():
    pixels = np.full((R, R, 3), 51, np.uint8)
    covered = box(16, 48, 16, 48) > 0
    rerender = np.where(covered[..., None], 0.5, 1.0).repeat(3, axis=2)
    assert quality.colour_difference(pixels, rerender, covered) == pytest.approx(0.3)
    assert quality.colour_difference(pixels, rerender, covered & False) == 1


def test_what_clients_are_told_names_every_flag_and_threshold():
    for flag in get_args(quality.Flag):
        assert f"{flag}: " in quality.DESCRIPTION
    for criterion in quality.TABLE:
        assert criterion.meaning.format(criterion.threshold) in quality.DESCRIPTION
    assert {criterion.flag for criterion in quality.TABLE} == set(get_args(quality.Flag))
    assert "second part has at least 0.15 of the largest" in quality.DESCRIPTION
