import numpy as np
import pytest

from graphics import camera

FOCAL = 1 / np.tan(np.radians(12.5))


def row(azimuth=0.0, elevation=0.0, distance=5.0, offset_x=0.0, offset_y=0.0):
    return np.array([[azimuth, elevation, distance, offset_x, offset_y]])


def project_one(point, cameras):
    projected = camera.project(np.array([[point]], float), cameras)
    return projected.vertices_camera[0, 0], projected.vertices_image[0, 0]


@pytest.mark.parametrize(
    ("cameras", "point", "in_camera", "on_image"),
    [
        (row(), (0, 0, 0), (0, 0, -5), (0, 0)),
        (row(), (1, 0, 0), (1, 0, -5), (FOCAL / 5, 0)),
        (row(), (0, 1, 1), (0, 1, -4), (0, FOCAL / 4)),
        (row(azimuth=90), (0, 0, 1), (-1, 0, -5), (-FOCAL / 5, 0)),
        (row(azimuth=90), (1, 0, 0), (0, 0, -4), (0, 0)),
        (row(azimuth=180), (1, 0, 0), (-1, 0, -5), (-FOCAL / 5, 0)),
        (row(elevation=90), (0, 1, 0), (0, 0, -4), (0, 0)),
        (row(elevation=90), (0, 0, -1), (0, 1, -5), (0, FOCAL / 5)),
        (row(distance=4), (1, 0, 0), (1, 0, -4), (FOCAL / 4, 0)),
        (row(offset_x=0.1, offset_y=-0.2), (0, 0, 0), (0, 0, -5), (0.1, -0.2)),
    ],
)
def test_golden_projections(cameras, point, in_camera, on_image):
    camera_point, image_point = project_one(point, cameras)
    np.testing.assert_allclose(camera_point, in_camera, atol=1e-12)
    np.testing.assert_allclose(image_point, on_image, atol=1e-12)


def test_the_camera_of_a_view_matrix_stands_where_the_convention_says():
    azimuth, elevation, distance = np.radians(40), np.radians(25), 4.5
    eye = distance * np.array(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth),
        ]
    )
    view = camera.view_matrices(row(40, 25, 4.5))[0]
    np.testing.assert_allclose(view @ [*eye, 1], [0, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(view[:3, :3] @ view[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.isclose(np.linalg.det(view), 1)


def test_looking_down_shows_the_top():
    _, top = project_one((0, 0.5, 0), row(elevation=30))
    _, front = project_one((0, 0, 0.5), row(elevation=30))
    assert top[1] > 0 > front[1]


def test_matrices_and_project_agree():
    rng = np.random.default_rng(0)
    cameras = np.array([[10, 20, 5, 0.1, -0.05], [-170, 5, 4, -0.2, 0.3]])
    vertices = rng.uniform(-1, 1, (2, 7, 3))
    points = np.concatenate([vertices, np.ones((2, 7, 1))], axis=-1)
    matrices = camera.projection_matrices(cameras) @ camera.view_matrices(cameras)
    clip = points @ matrices.transpose(0, 2, 1)
    projected = camera.project(vertices, cameras)
    np.testing.assert_allclose(clip[..., :2] / clip[..., 3:], projected.vertices_image)
    np.testing.assert_allclose(clip[..., 3], -projected.vertices_camera[..., 2])
    assert np.all(np.abs(clip[..., 2] / clip[..., 3]) < 1)


def test_vertices_behind_the_camera_stay_finite():
    assert np.all(np.isfinite(project_one((0.3, 0.2, 5), row())[1]))
    assert np.all(np.isfinite(project_one((0.3, 0.2, 9), row())[1]))


def test_dtype_is_kept():
    projected = camera.project(np.zeros((1, 2, 3), np.float32), row().astype(np.float32))
    assert projected.vertices_image.dtype == projected.vertices_camera.dtype == np.float32


@pytest.mark.parametrize(
    ("degrees", "wrapped"),
    [(0, 0), (179, 179), (180, -180), (-180, -180), (-181, 179), (540, -180), (-1e-20, 0)],
)
def test_wrap_degrees(degrees, wrapped):
    assert np.isclose(camera.wrap_degrees(degrees), wrapped)
    assert -180 <= camera.wrap_degrees(degrees) < 180


def test_wrapping_next_to_minus_180_stays_in_range():
    assert -180 <= camera.wrap_degrees(np.nextafter(-180.0, -200.0)) < 180


@pytest.mark.parametrize(
    ("first", "second", "difference"), [(10, 350, 20), (0, 180, 180), (-90, 270, 0), (30, 45, 15)]
)
def test_azimuth_difference(first, second, difference):
    assert np.isclose(camera.azimuth_difference_degrees(first, second), difference)
    assert np.isclose(camera.azimuth_difference_degrees(second, first), difference)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"cameras has shape \(1, 4\)"):
        camera.view_matrices(np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"vertices has shape \(2, 3\)"):
        camera.project(np.zeros((2, 3)), row())


def test_the_convention_names_the_field_of_view():
    assert "25 degrees" in camera.CONVENTION
