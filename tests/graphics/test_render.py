from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from graphics.mesh import sphere_template
from graphics.render import look, render

TEMPLATE = sphere_template(2)
SIZE = 24


def cameras_at(azimuths, elevation=0.0):
    azimuths = np.atleast_1d(np.asarray(azimuths, np.float32))
    rest = np.array([elevation, 5, 0, 0], np.float32)
    return np.column_stack([azimuths, np.tile(rest, (len(azimuths), 1))]).astype(np.float32)


def spheres(count):
    return np.repeat(TEMPLATE.vertices[None], count, axis=0)


def quartered_texture():
    """Red on the object's left half (x < 0), green on its right; blue in the upper half."""
    texture = np.zeros((32, 64, 3), np.float32)
    texture[:, :32, 0] = texture[:, 32:, 1] = texture[:16, :, 2] = 1
    return texture


def test_textures_are_not_mirrored_or_upside_down():
    images = render(spheres(1), quartered_texture()[None], cameras_at(0), TEMPLATE, SIZE).images[0]
    left, right = images[SIZE // 2 + 2, SIZE // 2 - 4], images[SIZE // 2 + 2, SIZE // 2 + 4]
    assert left[0] > 0.9 > 0.1 > left[1]
    assert right[1] > 0.9 > 0.1 > right[0]
    assert images[SIZE // 2 - 4, SIZE // 2, 2] > 0.9
    assert images[SIZE // 2 + 4, SIZE // 2, 2] < 0.1


def test_from_behind_left_and_right_are_swapped():
    images = render(spheres(1), quartered_texture()[None], cameras_at(180), TEMPLATE, SIZE).images[
        0
    ]
    assert images[SIZE // 2, SIZE // 2 - 4, 1] > 0.9
    assert images[SIZE // 2, SIZE // 2 + 4, 0] > 0.9


def test_the_seam_shows_no_line():
    texture = np.ones((1, 16, 16, 3), np.float32)
    drawn = render(spheres(1), texture, cameras_at(180, 20), TEMPLATE, SIZE)
    np.testing.assert_allclose(drawn.images[drawn.masks == 1], 1, atol=1e-6)


def test_the_near_side_hides_the_far_side():
    texture = np.zeros((1, 16, 64, 3), np.float32)
    texture[:, :, 16:48] = 1  # the front half is white
    front = render(spheres(1), texture, cameras_at(0), TEMPLATE, SIZE)
    behind = render(spheres(1), texture, cameras_at(180), TEMPLATE, SIZE)
    middle = (slice(0, 1), slice(8, 16), slice(8, 16))
    assert np.all(front.images[middle] == 1) and np.all(behind.images[middle] == 0)


def test_the_sphere_covers_the_disc_it_should():
    drawn = render(
        spheres(1), np.ones((1, 4, 4, 3), np.float32), cameras_at(0), sphere_template(2), 64
    )
    radius = np.tan(np.arcsin(1 / 5)) / np.tan(np.radians(12.5))
    np.testing.assert_allclose(drawn.masks.mean(), np.pi * radius**2 / 4, rtol=0.04)


def test_background_shows_outside_only():
    background = np.full((1, SIZE, SIZE, 3), 0.25, np.float32)
    textures = np.ones((1, 4, 4, 3), np.float32)
    drawn = render(spheres(1), textures, cameras_at(30), TEMPLATE, SIZE, background)
    assert np.all(drawn.images[drawn.masks == 0] == 0.25)
    np.testing.assert_allclose(drawn.images[drawn.masks == 1], 1, atol=1e-6)


def test_samples_smooth_the_edge_and_keep_the_inside():
    textures = np.ones((1, 4, 4, 3), np.float32)
    rough = render(spheres(1), textures, cameras_at(30), TEMPLATE, SIZE)
    smooth = render(spheres(1), textures, cameras_at(30), TEMPLATE, SIZE, samples=3)
    assert smooth.images.shape == rough.images.shape and smooth.masks.shape == rough.masks.shape
    assert set(np.unique(rough.masks)) == {0, 1} and np.any((smooth.masks % 1) > 0)
    assert abs(smooth.masks.mean() - rough.masks.mean()) < 0.02
    np.testing.assert_allclose(smooth.images, np.repeat(smooth.masks[..., None], 3, -1), atol=1e-5)


def test_a_batch_is_its_images_one_by_one_and_threads_change_nothing():
    rng = np.random.default_rng(0)
    vertices = spheres(6) * rng.uniform(0.5, 1, (6, 1, 3)).astype(np.float32)
    textures = rng.random((6, 8, 16, 3), dtype=np.float32)
    cameras = cameras_at(rng.uniform(0, 360, 6), 15)
    together = render(vertices, textures, cameras, TEMPLATE, SIZE)

    def draw(index):
        one = slice(index, index + 1)
        return render(vertices[one], textures[one], cameras[one], TEMPLATE, SIZE)

    with ThreadPoolExecutor(4) as pool:
        apart = list(pool.map(draw, range(6)))
    np.testing.assert_array_equal(together.images, np.concatenate([r.images for r in apart]))
    np.testing.assert_array_equal(together.masks, np.concatenate([r.masks for r in apart]))


def test_results_are_float32_whatever_comes_in():
    drawn = render(
        spheres(1).astype(float), np.ones((1, 4, 4, 3)), cameras_at(0).astype(float), TEMPLATE, 8
    )
    assert drawn.images.dtype == drawn.masks.dtype == np.float32
    assert drawn.images.shape == (1, 8, 8, 3)


def test_an_empty_batch_is_fine():
    nothing = np.zeros((0, 4, 4, 3), np.float32)
    assert render(spheres(0), nothing, cameras_at([]), TEMPLATE, 8).images.shape == (0, 8, 8, 3)


def test_faces_that_turn_to_the_camera_are_those_of_the_near_side():
    view = look(spheres(2), cameras_at([0, 180]), TEMPLATE)
    middles = TEMPLATE.vertices[TEMPLATE.faces].mean(axis=1)[:, 2]
    clear = np.abs(middles) > 0.3  # not at the outline
    np.testing.assert_array_equal(view.facing[0][clear], middles[clear] > 0)
    np.testing.assert_array_equal(view.facing[1][clear], middles[clear] < 0)
    np.testing.assert_array_equal(view.corners, view.projected.vertices_image[:, TEMPLATE.faces])
    np.testing.assert_array_equal(
        view.corners_z, view.projected.vertices_camera[..., 2][:, TEMPLATE.faces]
    )


def test_textures_in_bytes_give_the_same_picture():
    in_bytes = np.random.default_rng(0).integers(0, 256, (1, 16, 32, 3), np.uint8)
    drawn = render(spheres(1), in_bytes, cameras_at(30), TEMPLATE, SIZE)
    exact = render(spheres(1), in_bytes / np.float32(255), cameras_at(30), TEMPLATE, SIZE)
    np.testing.assert_allclose(drawn.images, exact.images, atol=1e-6)
    assert drawn.images.max() > 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vertices": np.zeros((1, 3, 3))}, "the template asks for"),
        ({"textures": np.zeros((1, 3, 4, 4))}, "textures has shape"),
        ({"cameras": np.zeros((2, 5))}, "cameras has shape"),
        ({"background": np.zeros((1, 4, 4, 3))}, "background has shape"),
        ({"size": 0}, "size is 0 px"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    arguments = {
        "vertices": spheres(1),
        "textures": np.zeros((1, 4, 4, 3)),
        "cameras": cameras_at(0),
        "template": TEMPLATE,
        "size": 8,
    }
    with pytest.raises(ValueError, match=message):
        render(**{**arguments, **change})
