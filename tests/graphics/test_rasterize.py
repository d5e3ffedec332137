import numpy as np
import pytest

from graphics.rasterize import (
    VisibleFaces,
    interpolate,
    interpolate_backward,
    pixel_centres,
    visible_faces,
)

HEIGHT, WIDTH = 5, 7


def draw(triangles, depths, height=HEIGHT, width=WIDTH, dtype=np.float64, valid=None):
    """One image of triangles [F, 3, 2] at depths [F] or [F, 3]."""
    corners = np.array([triangles], dtype)
    z = np.broadcast_to(np.array(depths, dtype).reshape(len(triangles), -1), corners.shape[1:3])
    valid = None if valid is None else np.array([valid])
    visible = visible_faces(corners, z[None], height, width, valid)
    return VisibleFaces(visible.face_index[0], visible.weights[0])


ALL = [(-3, -3), (9, -3), (-3, 9)]
UPPER_LEFT = [(-1.5, 0.1), (-0.1, 0.1), (-1.5, 3)]


def random_scene(rng, batch=2, faces=40, dtype=np.float64):
    centres = rng.uniform(-1.2, 1.2, (batch, faces, 1, 2))
    corners = centres + rng.normal(0, 0.3, (batch, faces, 3, 2))
    return corners.astype(dtype), rng.uniform(-3, -1, (batch, faces, 3)).astype(dtype)


def test_pixel_centres_run_right_and_down():
    x, y = pixel_centres(2, 4, np.dtype(np.float32))
    np.testing.assert_allclose(x, [-0.75, -0.25, 0.25, 0.75])
    np.testing.assert_allclose(y, [0.5, -0.5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_golden_image(dtype):
    visible = draw([UPPER_LEFT], [0], dtype=dtype)
    expected = np.full((HEIGHT, WIDTH), -1)
    expected[:2, 0] = expected[:2, 1] = expected[1, 2] = 0
    np.testing.assert_array_equal(visible.face_index, expected)
    assert visible.weights.dtype == dtype


def test_weights_restore_the_pixel_centre():
    rng = np.random.default_rng(0)
    corners, z = random_scene(rng)
    visible = visible_faces(corners, z, 11, 13)
    x, y = pixel_centres(11, 13, np.dtype(np.float64))
    features = np.concatenate([corners, z[..., None]], axis=-1)
    found = interpolate(features, visible)
    image, row, column = np.nonzero(visible.face_index >= 0)
    assert len(image) > 50
    np.testing.assert_allclose(found[image, row, column, 0], x[column], atol=1e-9)
    np.testing.assert_allclose(found[image, row, column, 1], y[row], atol=1e-9)
    assert np.all(visible.weights >= 0)
    assert np.all(interpolate(features, visible)[visible.face_index < 0] == 0)


def test_the_closer_face_wins_in_any_order():
    assert np.all(draw([ALL, ALL], [-2, -1]).face_index == 1)
    assert np.all(draw([ALL, ALL], [-1, -2]).face_index == 0)


def test_a_tie_goes_to_the_lowest_index():
    for dtype in (np.float32, np.float64):
        assert np.all(draw([ALL, ALL, ALL], [-1, -1, -1], dtype=dtype).face_index == 0)


def test_both_windings_are_drawn():
    np.testing.assert_array_equal(
        draw([UPPER_LEFT], [0]).face_index, draw([UPPER_LEFT[::-1]], [0]).face_index
    )


def test_faces_that_are_not_valid_are_not_drawn():
    assert np.all(draw([ALL, ALL], [-1, -2], valid=[False, True]).face_index == 1)


def test_boxes_are_half_open():
    # Centres of a 2x2 image are at +-0.5: the right and upper limits of the box are outside.
    square = [[(-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5)], [(0.5, 0.5), (-0.5, 0.5), (0.5, -0.5)]]
    assert draw(square, [0, 0], 2, 2).face_index.tolist() == [[-1, -1], [0, -1]]


@pytest.mark.parametrize(
    "triangle",
    [
        [(0.2, 0.2)] * 3,
        [(-0.9, -0.7), (0.3, 0.1), (1.5, 0.9)],
        [(2, 2), (3, 2), (2, 3)],
        [(-9, 0), (-2, 1), (-2, -1)],
        [(np.nan, 0), (1, 0), (0, 1)],
        [(np.inf, 0), (1, 0), (0, 1)],
        [(-np.inf, -1), (np.inf, -1), (0, np.inf)],
    ],
    ids=["point", "line", "right", "left", "nan", "inf", "all-inf"],
)
def test_faces_without_area_off_screen_or_not_finite_draw_nothing(triangle):
    assert np.all(draw([triangle], [0]).face_index == -1)
    assert np.all(draw([triangle, ALL], [9, 0]).face_index == 1)


def test_huge_coordinates_are_fine():
    huge = np.array(ALL) * 1e9
    assert np.all(draw([huge.tolist()], [0]).face_index == 0)


def test_the_order_of_faces_does_not_matter():
    rng = np.random.default_rng(1)
    corners, z = random_scene(rng)
    order = rng.permutation(corners.shape[1])
    plain = visible_faces(corners, z, 17, 9)
    shuffled = visible_faces(corners[:, order], z[:, order], 17, 9)
    restored = np.where(shuffled.face_index < 0, -1, order[shuffled.face_index])
    np.testing.assert_array_equal(restored, plain.face_index)
    np.testing.assert_allclose(shuffled.weights, plain.weights)


def test_a_mirrored_scene_gives_a_mirrored_image():
    corners, z = random_scene(np.random.default_rng(2))
    plain = visible_faces(corners, z, 12, 15)
    mirrored = visible_faces(corners * [-1, 1], z, 12, 15)
    np.testing.assert_array_equal(mirrored.face_index[:, :, ::-1], plain.face_index)


def test_backward_matches_finite_differences():
    rng = np.random.default_rng(3)
    corners, z = random_scene(rng, faces=12)
    features, upstream = rng.normal(size=(2, 12, 3, 2)), rng.normal(size=(2, 9, 8, 2))
    visible = visible_faces(corners, z, 9, 8)
    gradients = interpolate_backward(upstream, corners, features, visible)
    step = rng.normal(size=corners.shape)

    def loss(scale):
        moved = visible_faces(corners + scale * step, z, 9, 8)
        np.testing.assert_array_equal(moved.face_index, visible.face_index)
        return np.sum(upstream * interpolate(features, moved))

    slope = (loss(1e-7) - loss(-1e-7)) / 2e-7
    np.testing.assert_allclose(np.sum(gradients.face_vertices_image * step), slope, rtol=1e-5)
    np.testing.assert_allclose(
        np.sum(gradients.face_features * features),
        np.sum(upstream * interpolate(features, visible)),
    )


def test_wrong_shapes_and_dtypes_are_named():
    corners, z = np.zeros((1, 4, 3, 2)), np.zeros((1, 4, 3))
    with pytest.raises(ValueError, match=r"face_vertices_image has shape \(1, 4, 3, 3\)"):
        visible_faces(np.zeros((1, 4, 3, 3)), z, 4, 4)
    with pytest.raises(ValueError, match="face_vertices_z has shape"):
        visible_faces(corners, z[:, :3], 4, 4)
    with pytest.raises(TypeError, match="must be the same"):
        visible_faces(corners, z.astype(np.float32), 4, 4)
    with pytest.raises(TypeError, match="int64"):
        visible_faces(corners.astype(np.int64), z, 4, 4)
    with pytest.raises(ValueError, match="0x4 px"):
        visible_faces(corners, z, 0, 4)
    with pytest.raises(ValueError, match="must be bool"):
        visible_faces(corners, z, 4, 4, np.ones((1, 3), bool))
