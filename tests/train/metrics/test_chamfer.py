import numpy as np
import pytest
from scipy.spatial import KDTree

from graphics.mesh import sphere_template
from train.metrics.chamfer import chamfer_distance, fscore, surface_points

UNIT_SQUARES = np.array(
    [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 5], [3, 0, 5], [3, 1, 5], [0, 1, 5]], float
)
SQUARE_FACES = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])


def test_chamfer_by_hand_averages_both_ways() -> None:
    there, back = np.array([1.0]), np.array([1.0, 3.0])
    assert chamfer_distance(there, back) == pytest.approx((1 + (1 + 3) / 2) / 2)
    assert chamfer_distance(back, there) == chamfer_distance(there, back)


def test_fscore_by_hand() -> None:
    there = np.array([0.0, 0.02, 0.03, 0.5])  # precision 1/2
    assert fscore(there, np.array([0.01, 0.9, 0.9, 0.9])) == pytest.approx(2 * 0.5 * 0.25 / 0.75)
    assert fscore(there[:2], there[:2]) == 1
    assert fscore(there[2:], there[2:]) == 0


def test_points_spread_over_the_area_not_over_the_faces() -> None:
    points = surface_points(UNIT_SQUARES, SQUARE_FACES, 4000)
    far = points[:, 2] == 5
    assert np.mean(far) == pytest.approx(3 / 4, abs=0.001)
    assert np.all(np.isin(points[:, 2], [0.0, 5.0]))
    assert np.allclose(points[~far].mean(0), [0.5, 0.5, 0], atol=0.03)
    assert points[far][:, 0].max() <= 3 and points[:, :2].min() >= 0
    assert np.array_equal(points, surface_points(UNIT_SQUARES, SQUARE_FACES, 4000))


def test_concentric_spheres_are_their_radii_apart() -> None:
    sphere = sphere_template(3)
    inner = surface_points(sphere.vertices * 0.5, sphere.faces, 4096, seed=1)
    outer = surface_points(sphere.vertices * 0.9, sphere.faces, 4096, seed=2)
    there, back = KDTree(outer).query(inner)[0], KDTree(inner).query(outer)[0]
    assert chamfer_distance(there, back) == pytest.approx(0.4, abs=0.005)


def test_a_surface_without_area_is_refused() -> None:
    with pytest.raises(ValueError, match="no area"):
        surface_points(np.zeros((3, 3)), np.array([[0, 1, 2]]))
