import numpy as np
import pytest
import trimesh

from graphics.mesh import (
    Template,
    edges_of,
    load_template,
    save_template,
    sphere_template,
    vertex_normals,
)


@pytest.fixture(scope="module")
def template():
    return sphere_template(3)


def test_level_three_is_the_template_of_the_project(template):
    assert template.vertices.shape == (642, 3)
    assert template.faces.shape == (1280, 3)
    assert template.face_uvs.shape == (1280, 3, 2)
    assert template.edges.shape == template.edge_faces.shape == (1920, 2)
    types = [array.dtype for array in template]
    assert types == [np.float32, np.int32, np.float32, np.int32, np.int32, np.int32]


@pytest.mark.parametrize("level", [0, 1, 2, 4])
def test_every_level_is_a_closed_sphere(level):
    template = sphere_template(level)
    assert len(template.vertices) == 10 * 4**level + 2
    assert len(template.vertices) - len(template.edges) + len(template.faces) == 2
    np.testing.assert_allclose(np.linalg.norm(template.vertices, axis=1), 1, rtol=1e-6)


def test_faces_are_counter_clockwise_seen_from_outside(template):
    a, b, c = template.vertices[template.faces].transpose(1, 0, 2)
    assert np.all(np.sum(np.cross(b - a, c - a) * (a + b + c), axis=1) > 0)


def test_x_zero_is_a_mirror_plane(template):
    reflected = template.vertices * np.float32([-1, 1, 1])
    np.testing.assert_array_equal(template.vertices[template.mirror], reflected)
    np.testing.assert_array_equal(template.mirror[template.mirror], np.arange(642))
    faces = {frozenset(face) for face in template.faces.tolist()}
    assert {frozenset(face) for face in template.mirror[template.faces].tolist()} == faces


def test_uvs_are_longitude_and_latitude_with_the_front_in_the_middle(template):
    x, y, z = template.vertices[template.faces].astype(np.float64).transpose(2, 0, 1)
    u, v = template.face_uvs[..., 0], template.face_uvs[..., 1]
    np.testing.assert_allclose(v, 0.5 + np.arcsin(np.clip(y, -1, 1)) / np.pi, atol=1e-3)
    off_pole = np.hypot(x, z) > 1e-3
    turns = u - (0.5 + np.arctan2(x, z) / (2 * np.pi))
    np.testing.assert_allclose(turns[off_pole], np.round(turns[off_pole]), atol=1e-6)


def test_no_face_is_stretched_across_the_seam(template):
    u = template.face_uvs[..., 0]
    assert np.ptp(u, axis=1).max() < 0.25
    assert u.min() >= 0 and 1 < u.max() < 1.25


def test_mirrored_faces_have_mirrored_uvs(template):
    corners = {}
    for face, uvs in zip(template.faces.tolist(), template.face_uvs, strict=True):
        corners[frozenset(face)] = dict(zip(face, uvs, strict=True))
    for face, uvs in corners.items():
        other = corners[frozenset(template.mirror[list(face)].tolist())]
        for vertex, (u, v) in uvs.items():
            mirrored_u, mirrored_v = other[template.mirror[vertex]]
            assert abs((u + mirrored_u + 0.5) % 1 - 0.5) < 1e-6
            assert v == mirrored_v


def test_edges_know_their_two_faces(template):
    for edge, faces in zip(template.edges.tolist(), template.edge_faces.tolist(), strict=True):
        assert edge[0] < edge[1] and faces[0] != faces[1]
        for face in faces:
            assert set(edge) <= set(template.faces[face].tolist())


def test_an_open_mesh_is_refused():
    with pytest.raises(ValueError, match="closed and manifold"):
        edges_of(np.array([[0, 1, 2]]))


def test_save_and_load(tmp_path, template):
    save_template(tmp_path / "template.npz", template)
    for loaded, saved in zip(load_template(tmp_path / "template.npz"), template, strict=True):
        assert loaded.dtype == saved.dtype
        np.testing.assert_array_equal(loaded, saved)


def test_an_archive_without_all_fields_is_refused(tmp_path):
    np.savez(tmp_path / "template.npz", vertices=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="edge_faces"):
        load_template(tmp_path / "template.npz")


def test_impossible_levels_are_refused():
    with pytest.raises(ValueError, match="level is -1"):
        sphere_template(-1)


def test_a_template_is_immutable(template):
    with pytest.raises(AttributeError):
        template.faces = None
    assert isinstance(template, Template)


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
