import numpy as np
import pytest

from graphics.mesh import sphere_template
from tests.train.metrics.test_voxels import CUBE_FACES, box, joined
from train.data.vehicles import meshes
from train.metrics.shape_comparison import Shape, compare_shapes, solid_beside
from train.metrics.voxels import visible_hull, volume_iou

SPHERE = sphere_template(3)


def test_the_hull_of_closed_parts_is_their_solid() -> None:
    mesh = meshes(3, 1)
    exact, hull = Shape(mesh.vertices, mesh.faces), Shape(mesh.vertices, mesh.faces, hollow=True)
    assert volume_iou(exact.solid.voxels, hull.solid.voxels) > 0.98


def test_the_hull_fills_what_is_open_or_hollow_or_inside_out() -> None:
    closed = visible_hull(SPHERE.vertices * 0.5, SPHERE.faces)
    assert closed.sum() == pytest.approx(np.pi / 6 * 64**3, rel=0.01)
    shell = np.concatenate([SPHERE.vertices * 0.5, SPHERE.vertices * 0.45])
    faces = np.concatenate([SPHERE.faces, SPHERE.faces[:, ::-1] + len(SPHERE.vertices)])
    assert volume_iou(visible_hull(shell, faces), closed) == 1
    assert volume_iou(visible_hull(SPHERE.vertices * 0.5, SPHERE.faces[:, ::-1]), closed) == 1
    # A slit of one face lets a little light in.
    assert volume_iou(visible_hull(SPHERE.vertices * 0.5, SPHERE.faces[1:]), closed) > 0.93


def test_a_hull_keeps_hollows_that_are_open_to_the_eye() -> None:
    # A tray: floor and four walls, open above.
    parts = [
        box((-0.5, -0.2, -0.5), (0.5, -0.1, 0.5)),
        box((-0.5, -0.1, -0.5), (-0.4, 0.2, 0.5)),
        box((0.4, -0.1, -0.5), (0.5, 0.2, 0.5)),
        box((-0.4, -0.1, -0.5), (0.4, 0.2, -0.4)),
        box((-0.4, -0.1, 0.4), (0.4, 0.2, 0.5)),
    ]
    hull = visible_hull(*joined(*parts))
    assert not hull[32:44, 10:54, 10:54].any()  # y, x, z: the inside
    assert hull[20:25, 2:62, 2:62].all()


def test_a_prediction_that_sticks_out_is_counted_whole() -> None:
    truth = Shape(box((-1, -1, -1), (1, 1, 1)), CUBE_FACES)
    for factor, wanted in ((1.0, 1.0), (0.5, 1 / 8), (1.5, 1 / 1.5**3), (3.0, 1 / 27)):
        placed = truth.in_box(truth.vertices * factor)
        found = volume_iou(solid_beside(placed, CUBE_FACES).voxels, truth.solid.voxels)
        assert found == pytest.approx(wanted, rel=0.03)


def test_surface_inside_other_parts_is_not_compared() -> None:
    outer = box((-1, -1, -1), (1, 1, 1))
    alone, nested = Shape(outer, CUBE_FACES), Shape(*joined(outer, outer * 0.6))
    assert len(alone.solid.points) == 10_000
    reach = np.abs(nested.solid.points).max(axis=1)
    assert np.all(reach > 0.49) and len(reach) > 6000


def test_scores_of_the_truth_and_of_one_that_is_turned() -> None:
    mesh = meshes(3, 0)
    true = Shape(mesh.vertices, mesh.faces)
    exact = compare_shapes(mesh.vertices, mesh.faces, true)
    assert exact.iou3d_canonical == exact.iou3d_bbox == 1
    assert exact.iou3d_canonical_icp > 0.97
    assert exact.chamfer < 0.01 and exact.fscore > 0.95 and exact.watertight == 1
    assert exact.self_intersections > 0  # its parts overlap
    turn = np.radians(6)
    rotation = [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    turned = compare_shapes(mesh.vertices @ np.array(rotation), mesh.faces, true)
    assert turned.iou3d_canonical < 0.9 < turned.iou3d_canonical_icp
    assert turned.chamfer > exact.chamfer and turned.fscore < exact.fscore
    shifted = compare_shapes(mesh.vertices + np.array([0.2, 0, 0]), mesh.faces, true)
    assert shifted.iou3d_bbox > 0.98 > 0.8 > shifted.iou3d_canonical


def test_a_flat_shape_is_compared_by_its_surface() -> None:
    flat = np.array([[-1.0, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]])
    true = Shape(flat, np.array([[0, 1, 2], [0, 2, 3]]), hollow=True)
    scores = compare_shapes(SPHERE.vertices * [1, 0.05, 1], SPHERE.faces, true)
    assert scores.iou3d_canonical == 0 and scores.chamfer < 0.1
