import time

import numpy as np
import pytest

from graphics.mesh import sphere_template
from tests.train.metrics.test_voxels import CUBE_FACES, box, joined
from train.metrics.mesh_quality import flipped_faces, self_intersections, watertight

SPHERE = sphere_template(3)


def test_a_closed_mesh_is_watertight_and_a_cut_or_turned_one_is_not() -> None:
    assert watertight(SPHERE.faces)
    assert watertight(SPHERE.faces[:, ::-1])
    assert not watertight(SPHERE.faces[1:])
    turned = SPHERE.faces.copy()
    turned[7] = turned[7, ::-1]
    assert not watertight(turned)
    assert not watertight(np.concatenate([SPHERE.faces, SPHERE.faces[:1]]))


def test_faces_look_outward_or_inward_as_a_whole() -> None:
    assert flipped_faces(SPHERE.vertices, SPHERE.faces) == 0
    assert flipped_faces(SPHERE.vertices, SPHERE.faces[:, ::-1]) == 1
    corners = box((-0.5, -0.2, -0.3), (0.5, 0.2, 0.3))
    assert flipped_faces(corners, CUBE_FACES) == 0
    assert flipped_faces(corners * [-1, 1, 1], CUBE_FACES) == 1


def test_a_part_pushed_through_the_other_side_is_flipped() -> None:
    vertices = SPHERE.vertices.copy()
    top = vertices[:, 1] > 0.8
    vertices[top] = vertices[top] * [0.6, 1, 0.6] - [0, 2.5, 0]
    share = flipped_faces(vertices, SPHERE.faces)
    pushed = np.all(top[SPHERE.faces], axis=1).mean()
    # The cap itself comes out below, inside out, and with it a part of its walls.
    assert pushed <= share < pushed + 0.15
    assert self_intersections(vertices, SPHERE.faces) > 0.02


def test_a_dent_is_no_fault() -> None:
    vertices = SPHERE.vertices.copy()
    vertices[vertices[:, 1] > 0.8, 1] -= 1.2
    assert flipped_faces(vertices, SPHERE.faces) == 0
    assert self_intersections(vertices, SPHERE.faces) == 0


def test_two_boxes_through_each_other_are_cut_and_nested_ones_are_not() -> None:
    outer = box((-1, -1, -1), (1, 1, 1))
    through = joined(outer, box((-0.3, -0.25, -2), (0.35, 0.2, 2)))
    # The rod's eight faces along it, and two triangles each of the front and the back.
    assert self_intersections(*through) == pytest.approx(12 / 24)
    assert self_intersections(*joined(outer, outer * 0.5)) == 0
    assert self_intersections(*joined(outer, outer + np.array([2.0, 0, 0]))) == 0  # they touch


def test_cuts_are_found_whatever_the_order_of_the_faces() -> None:
    generator = np.random.default_rng(3)
    vertices = SPHERE.vertices + generator.normal(0, 0.12, SPHERE.vertices.shape)
    share = self_intersections(vertices, SPHERE.faces)
    assert 0.02 < share < 1
    for _ in range(3):
        order = generator.permutation(len(SPHERE.faces))
        assert self_intersections(vertices, SPHERE.faces[order]) == share
    turned = vertices[:, [2, 0, 1]]
    assert self_intersections(turned, SPHERE.faces) == pytest.approx(share)


def test_a_thousand_templates_take_seconds() -> None:
    for measure in (flipped_faces, self_intersections):
        measure(SPHERE.vertices, SPHERE.faces)
        began = time.process_time()
        for _ in range(10):
            measure(SPHERE.vertices, SPHERE.faces)
        assert (time.process_time() - began) * 100 < 30
