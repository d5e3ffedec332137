import numpy as np
import pytest
from scipy.spatial import KDTree

from graphics.mesh import sphere_template
from train.data.vehicles import meshes
from train.metrics.surfaces import chamfer_distance, fscore, icp, surface_points, umeyama

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


def rotation(degrees: float) -> np.ndarray:
    turn = np.radians(degrees)
    return np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])


def test_umeyama_finds_the_similarity_that_was_applied() -> None:
    source = np.random.default_rng(0).normal(size=(20, 3))
    target = 1.7 * source @ rotation(130).T + [1, -2, 0.5]
    found = umeyama(source, target)
    assert np.allclose(found.apply(source), target) and np.allclose(found.undo(target), source)
    assert np.isclose(found.scale, 1.7) and np.allclose(found.rotation, rotation(130))


def test_umeyama_never_mirrors() -> None:
    source = np.random.default_rng(1).normal(size=(20, 3))
    found = umeyama(source, source * [-1, 1, 1])
    assert np.isclose(np.linalg.det(found.rotation), 1)


def test_icp_takes_out_a_small_turn_shift_and_scale() -> None:
    mesh = meshes(5, 0)
    first = surface_points(mesh.vertices, mesh.faces, seed=1)
    second = surface_points(mesh.vertices, mesh.faces, seed=2)
    moved = 1.08 * second @ rotation(7).T + [0.05, -0.04, 0.06]
    found = icp(KDTree(moved), KDTree(first))
    assert np.abs(found.apply(moved) - second).mean() < 0.02
    assert np.abs(moved - second).mean() > 0.04


def test_icp_leaves_front_and_back_as_they_are() -> None:
    mesh = meshes(5, 0)
    points = surface_points(mesh.vertices, mesh.faces)
    found = icp(KDTree(points @ rotation(180).T), KDTree(points))
    assert np.trace(found.rotation) > 2.5  # close to no turn at all
