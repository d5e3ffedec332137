import numpy as np
import pytest

from graphics.pixels import pixel_centres
from graphics.rasterize import visible_faces
from graphics.soft_mask import soft_mask, soft_mask_backward

SIGMA = 50.0
LEFT = [(-0.9, -0.5), (-0.4, -0.5), (-0.9, 0.6)]


def masks_of(triangles, height=9, width=12, **settings):
    corners = np.array([triangles], float)
    z = np.zeros(corners.shape[:3])
    seen = visible_faces(corners, z, height, width).face_index
    return soft_mask(corners, seen, **settings)[0], seen[0]


def distance_to_outline(triangle, x, y):
    """Squared distance of a point to the three segments, by dense sampling."""
    t = np.linspace(0, 1, 4001)[:, None]
    corners = np.array(triangle)
    points = np.concatenate(
        [a + t * (b - a) for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)]
    )
    return np.sum((points - [x, y]) ** 2, axis=1).min()


def test_covered_pixels_are_exactly_one_and_others_fall_off_by_distance():
    mask, seen = masks_of([LEFT], sigmainv=SIGMA, boxlen=9)
    assert np.all(mask[seen >= 0] == 1) and np.any(seen >= 0)
    x, y = pixel_centres(9, 12, np.dtype(float))
    for row, column in zip(*np.nonzero(seen < 0), strict=True):
        squared = distance_to_outline(LEFT, x[column], y[row])
        assert np.isclose(mask[row, column], np.exp(-SIGMA * squared), rtol=1e-3)


def test_faces_join_as_independent_chances():
    other = [(0.9, -0.5), (0.4, -0.5), (0.9, 0.6)]
    both, seen = masks_of([LEFT, other], sigmainv=SIGMA, boxlen=9)
    first, second = (masks_of([face], sigmainv=SIGMA, boxlen=9)[0] for face in (LEFT, other))
    np.testing.assert_allclose(both, 1 - (1 - first) * (1 - second), atol=1e-12)
    assert np.all(both[seen >= 0] == 1)


def test_only_the_grown_box_is_reached():
    mask, _ = masks_of([LEFT], sigmainv=SIGMA, boxlen=0.2)
    x, y = pixel_centres(9, 12, np.dtype(float))
    outside = (x[None] >= -0.4 + 0.2) | (y[:, None] >= 0.6 + 0.2) | (y[:, None] < -0.5 - 0.2)
    assert np.all(mask[outside] == 0)
    assert np.all(mask[~outside] > 0)


def test_knum_keeps_the_first_faces_in_index_order_not_the_nearest():
    near, far = LEFT, [(2.0, -0.5), (2.5, -0.5), (2.0, 0.6)]
    far_first, seen = masks_of([far, near], sigmainv=SIGMA, boxlen=9, knum=1)
    only_far, _ = masks_of([far], sigmainv=SIGMA, boxlen=9)
    outside = seen < 0
    np.testing.assert_array_equal(far_first[outside], only_far[outside])
    near_first, _ = masks_of([near, far], sigmainv=SIGMA, boxlen=9, knum=1)
    only_near, _ = masks_of([near], sigmainv=SIGMA, boxlen=9)
    np.testing.assert_array_equal(near_first, only_near)


def test_back_faces_count():
    np.testing.assert_allclose(
        masks_of([LEFT], sigmainv=SIGMA)[0], masks_of([LEFT[::-1]], sigmainv=SIGMA)[0]
    )


def test_faces_that_were_not_drawn_still_reach_their_own_inside():
    corners = np.array([[LEFT]])
    nothing_seen = np.full((1, 9, 12), -1, np.int32)
    mask = soft_mask(corners, nothing_seen, SIGMA)[0]
    assert 0 < mask.max() < 1


@pytest.mark.parametrize(
    "triangle",
    [[(0.2, 0.2)] * 3, [(0.1, 0.1), (0.1, 0.1), (0.5, 0.1)]],
    ids=["point", "segment"],
)
def test_faces_without_area_reach_by_what_is_left_of_them(triangle):
    mask, _ = masks_of([triangle], sigmainv=SIGMA, boxlen=0.4)
    assert np.all(np.isfinite(mask)) and 0 < mask.max() <= 1


def test_faces_that_are_not_finite_reach_nothing():
    mask, _ = masks_of([[(np.nan, 0), (1, 0), (0, 1)]], sigmainv=SIGMA)
    assert np.all(mask == 0)


def test_covered_pixels_give_no_gradient():
    corners = np.array([[LEFT]])
    covered = np.zeros((1, 9, 12), np.int32)
    mask = soft_mask(corners, covered, SIGMA)
    gradient = soft_mask_backward(np.ones_like(mask), mask, corners, covered, SIGMA)
    assert np.all(mask == 1) and np.all(gradient == 0)


def test_backward_matches_finite_differences():
    rng = np.random.default_rng(0)
    corners = rng.uniform(-1, 1, (2, 9, 1, 2)) + rng.normal(0, 0.2, (2, 9, 3, 2))
    seen = visible_faces(corners, np.zeros((2, 9, 3)), 8, 11).face_index
    settings = {"sigmainv": SIGMA, "boxlen": 0.3, "knum": 4}
    upstream, step = rng.normal(size=seen.shape), rng.normal(size=corners.shape)
    mask = soft_mask(corners, seen, **settings)
    gradient = soft_mask_backward(upstream, mask, corners, seen, **settings)
    ahead, behind = (soft_mask(corners + s * step, seen, **settings) for s in (1e-7, -1e-7))
    slope = np.sum(upstream * (ahead - behind)) / 2e-7
    np.testing.assert_allclose(np.sum(gradient * step), slope, rtol=1e-4)


def test_impossible_settings_are_refused():
    corners, seen = np.zeros((1, 1, 3, 2)), np.zeros((1, 4, 4), np.int32)
    for settings in ({"sigmainv": 0}, {"boxlen": -1}, {"knum": 0}):
        with pytest.raises(ValueError, match="defaults: 7000"):
            soft_mask(corners, seen, **settings)
    with pytest.raises(ValueError, match="face_index has shape"):
        soft_mask(corners, seen[0])
