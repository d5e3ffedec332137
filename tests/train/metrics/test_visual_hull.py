import numpy as np
import pytest

from graphics.camera import NOMINAL_DISTANCE, OFFSET_X
from train.data.vehicles import HELD_OUT_SEED, views
from train.metrics.visual_hull import VisualHull

VIEWS, SIZE = 12, 64


def cameras(offset=0.0):
    rows = np.zeros((VIEWS, 5), np.float32)
    rows[:, 0] = np.arange(VIEWS) * (360 / VIEWS)
    rows[:, 1] = np.linspace(2, 28, VIEWS)[np.random.default_rng(0).permutation(VIEWS)]
    rows[:, 2], rows[:, OFFSET_X] = NOMINAL_DISTANCE, offset
    return rows


@pytest.fixture(scope="module")
def hull():
    return VisualHull(cameras(), SIZE)


def masks(indices, asked=None):
    return views(HELD_OUT_SEED, indices, cameras() if asked is None else asked, SIZE).masks


def test_true_silhouettes_of_one_object_fit_and_those_of_several_do_not(hull):
    true = [hull.fit(masks([number] * VIEWS)) for number in range(3)]
    mixed = [hull.fit(masks(np.arange(VIEWS) + first)) for first in (0, 20, 40)]
    assert min(fit.iou for fit in true) > 0.98 > 0.94 > max(fit.iou for fit in mixed)
    assert min(fit.pair_iou for fit in true) > max(fit.pair_iou for fit in mixed)


def test_size_distance_and_offset_do_not_matter(hull):
    asked = cameras(offset=0.06)
    asked[:, 2] = 6.0
    assert hull.fit(masks([1] * VIEWS, asked)).iou > 0.94


def test_an_object_that_stands_still_while_the_camera_turns_does_not_fit(hull):
    still = np.repeat(masks([2] * VIEWS)[3:4], VIEWS, axis=0)
    assert hull.fit(still).iou < hull.fit(masks([2] * VIEWS)).iou - 0.1


def test_one_bad_view_does_not_carve_all_away(hull):
    given = masks([0] * VIEWS)
    given[4] = 0
    fit = hull.fit(given)
    assert fit.views_needed < VIEWS and fit.volume > 0
    assert fit.iou > 0.85  # eleven of twelve views are explained, one cannot be


def test_a_ball_is_found_with_its_volume():
    far = cameras()
    columns, rows = np.meshgrid(*[(2 * np.arange(SIZE) + 1) / SIZE - 1] * 2)
    # A ball of radius 0.5 at distance 5: its outline is a circle of radius f·tan(asin(r/d)).
    radius = np.tan(np.arcsin(0.5 / 5)) / np.tan(np.radians(12.5))
    circle = columns**2 + rows**2 < radius**2
    fit = VisualHull(far, SIZE).fit(np.repeat(circle[None], VIEWS, axis=0))
    ball = 4 / 3 * np.pi * 0.5**3 / 8
    assert fit.iou > 0.97 and 0.9 * ball < fit.volume < 1.25 * ball


def test_empty_silhouettes_fit_no_shape(hull):
    fit = hull.fit(np.zeros((VIEWS, SIZE, SIZE), bool))
    assert (fit.iou, fit.volume, fit.pair_iou) == (1.0, 0.0, 1.0)


def test_other_silhouettes_and_too_few_cameras_are_refused(hull):
    with pytest.raises(ValueError, match=r"shape \(3, 8, 8\); they must be \(12, 64, 64\)"):
        hull.fit(np.zeros((3, 8, 8), bool))
    with pytest.raises(ValueError, match="6 cameras: 4, 8, 12"):
        VisualHull(cameras()[:6], SIZE)
