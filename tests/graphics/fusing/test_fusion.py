import numpy as np
import pytest

from graphics.fusing.fusion import Fusion, NothingSeen
from graphics.fusing.readings import covered, mask_iou
from graphics.render import look
from tests.graphics.fusing.wedges import (
    TEMPLATE,
    azimuth_of,
    camera,
    painted,
    photograph,
    reading,
    wedge,
)

FUSION = Fusion(TEMPLATE)


def test_the_shape_is_fitted_to_all_masks():
    wrong = wedge(length=0.75, low=0.6)
    readings = [reading(azimuth, shape=wrong) for azimuth in (30, 120, 210, 300)]
    fused = FUSION(readings, steps=4)
    _, novel = photograph(75)
    before, after = (
        mask_iou(covered(look(shape[None], camera(75)[None], TEMPLATE), len(novel)), novel > 0.5)
        for shape in (wrong, fused.vertices)
    )
    assert before < 0.9 and after > before + 0.04
    assert np.allclose(fused.vertices[TEMPLATE.mirror] * (-1, 1, 1), fused.vertices, atol=1e-4)


def test_without_steps_the_shape_is_the_mean_by_confidence():
    low, high = wedge(low=0.2), wedge(low=0.6)
    fused = FUSION([reading(30, shape=low), reading(200, shape=high)], steps=0)
    assert np.allclose(fused.vertices, (low + high) / 2, atol=1e-5)
    assert azimuth_of(fused.cameras[1]) == 200


def test_a_sure_photograph_turns_a_doubtful_one():
    readings = [reading(40), reading(150), reading(240, said=60, confidence=0.6)]
    fused = FUSION(readings)
    assert [abs(turn) for turn in fused.turns_degrees] == pytest.approx([0, 0, 180], abs=8)
    assert azimuth_of(fused.cameras[2]) == pytest.approx(240, abs=8)
    assert fused.used == [0, 1, 2]


def test_a_doubtful_photograph_that_is_right_is_left_as_it_is():
    fused = FUSION([reading(40), reading(150), reading(240, confidence=0.6)])
    assert fused.turns_degrees == [0, 0, 0]


def test_another_object_is_named_and_changes_nothing():
    own = [reading(azimuth) for azimuth in (30, 120, 210)]
    shape, texture = wedge(length=0.5, low=1.0), painted((20, 200, 20), (220, 220, 20))
    other = reading(300)
    pixels, mask = photograph(300, shape, texture)
    other = other._replace(pixels=pixels, mask=mask, vertices=shape)
    fused = FUSION([own[0], other, *own[1:]])
    assert fused.reasons == [None, "disagrees", None, None]
    without = FUSION(own)
    assert np.array_equal(fused.vertices, without.vertices)
    assert np.array_equal(fused.cameras[1], other.camera)


def test_the_same_picture_twice_counts_once():
    first, second = reading(30), reading(160)
    fused = FUSION([first, second, first])
    assert fused.reasons == [None, None, "duplicate"]
    assert np.array_equal(fused.vertices, FUSION([first, second]).vertices)


def test_a_picture_of_nothing_is_named():
    empty = reading(30)._replace(mask=np.zeros((64, 64), np.float32), confidence=0.0)
    fused = FUSION([reading(30), empty])
    assert fused.reasons == [None, "no_object"] and fused.weights[1] == 0
    with pytest.raises(NothingSeen, match="no photograph shows an object"):
        FUSION([empty])
