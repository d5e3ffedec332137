import numpy as np
from scipy.spatial import KDTree

from train.data.vehicles import meshes
from train.metrics.alignment import icp, umeyama
from train.metrics.chamfer import surface_points


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
