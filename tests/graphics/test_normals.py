import numpy as np
import pytest
import trimesh

from graphics.mesh import sphere_template
from graphics.normals import vertex_normals

TEMPLATE = sphere_template(2)


def test_normals_point_outwards_and_are_unit():
    normals = vertex_normals(TEMPLATE.vertices, TEMPLATE.faces)
    np.testing.assert_allclose(normals, TEMPLATE.vertices, atol=0.05)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, rtol=1e-6)


def test_faces_count_by_their_area():
    vertices = np.random.default_rng(0).standard_normal(TEMPLATE.vertices.shape)
    mesh = trimesh.Trimesh(vertices, TEMPLATE.faces, process=False)
    sums = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(sums, TEMPLATE.faces[:, corner], mesh.face_normals * mesh.area_faces[:, None])
    wanted = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    np.testing.assert_allclose(vertex_normals(vertices, TEMPLATE.faces), wanted, atol=1e-5)


def test_a_vertex_without_a_direction_points_up():
    normals = vertex_normals(np.zeros((4, 3)), np.array([[0, 1, 2]]))
    np.testing.assert_array_equal(normals, [[0, 1, 0]] * 4)


def test_faces_of_vertices_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="name vertices 0 to 9; there are 4"):
        vertex_normals(np.zeros((4, 3)), np.array([[0, 1, 9]]))
