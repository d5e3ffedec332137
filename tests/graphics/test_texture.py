import numpy as np
import pytest

from graphics.texture import Enlargement, sample_texture, sample_texture_backward

HEIGHT, WIDTH = 4, 6


@pytest.fixture
def texture():
    return np.random.default_rng(0).random((1, 3, HEIGHT, WIDTH))


def sample(texture, uvs):
    uvs = np.array(uvs, texture.dtype).reshape(1, 1, -1, 2)
    return sample_texture(texture, uvs, np.ones(uvs.shape[:3], bool))[0, :, 0].T


def centre(row, column):
    return (column + 0.5) / WIDTH, 1 - (row + 0.5) / HEIGHT


def test_texel_centres_give_the_texel_and_row_zero_is_the_top(texture):
    for row in range(HEIGHT):
        for column in range(WIDTH):
            found = sample(texture, centre(row, column))[0]
            np.testing.assert_allclose(found, texture[0, :, row, column])


def test_between_texels_is_their_mean(texture):
    found = sample(texture, (2 / WIDTH, 1 - 1 / HEIGHT))[0]
    np.testing.assert_allclose(found, texture[0, :, 0:2, 1:3].mean(axis=(1, 2)))


def test_u_wraps_around(texture):
    np.testing.assert_allclose(sample(texture, (1.3, 0.4)), sample(texture, (0.3, 0.4)))
    np.testing.assert_allclose(sample(texture, (-0.7, 0.4)), sample(texture, (0.3, 0.4)))
    seam = sample(texture, (1.0, centre(2, 0)[1]))[0]
    np.testing.assert_allclose(seam, texture[0, :, 2, [0, -1]].mean(axis=0))


def test_v_stops_at_the_edge(texture):
    for v, row in ((1.0, 0), (1.7, 0), (0.0, -1), (-0.2, -1)):
        np.testing.assert_allclose(sample(texture, (centre(0, 3)[0], v))[0], texture[0, :, row, 3])


def test_uncovered_pixels_are_zero(texture):
    colours = sample_texture(texture, np.full((1, 2, 2, 2), 0.5), np.eye(2, dtype=bool)[None])
    assert np.all(colours[0, :, 0, 1] == 0) and np.all(colours[0, :, 0, 0] != 0)


def test_a_single_texel_fills_everything():
    texture = np.full((1, 3, 1, 1), 0.25, np.float32)
    np.testing.assert_allclose(sample(texture, [(0.1, 0.9), (0.99, 0.0)]), 0.25)


def test_backward_matches_finite_differences(texture):
    rng = np.random.default_rng(1)
    uvs = rng.uniform([-1, -0.2], [2, 1.2], (1, 5, 7, 2))
    covered = rng.random((1, 5, 7)) > 0.3
    upstream, step = rng.normal(size=(1, 3, 5, 7)), rng.normal(size=uvs.shape)
    gradients = sample_texture_backward(upstream, texture, uvs, covered)
    ahead, behind = (sample_texture(texture, uvs + s * step, covered) for s in (1e-7, -1e-7))
    slope = np.sum(upstream * (ahead - behind)) / 2e-7
    np.testing.assert_allclose(np.sum(gradients.uvs * step), slope, rtol=1e-5)
    value = np.sum(upstream * sample_texture(texture, uvs, covered))
    np.testing.assert_allclose(np.sum(gradients.textures * texture), value)


def test_wrong_shapes_are_named(texture):
    uvs, covered = np.zeros((1, 2, 2, 2)), np.ones((1, 2, 2), bool)
    with pytest.raises(ValueError, match="textures has shape"):
        sample_texture(texture[0], uvs, covered)
    with pytest.raises(ValueError, match="uvs has shape"):
        sample_texture(texture, uvs[..., :1], covered)
    with pytest.raises(ValueError, match="covered is float64"):
        sample_texture(texture, uvs, covered.astype(float))


def test_what_is_quadratic_stays_so_and_edges_wrap_in_u_alone():
    """Keys' kernel reproduces quadratics where all four texels lie inside."""
    height, width = 8, 12
    rows, columns = np.indices((height, width)).astype(np.float32)
    texture = np.stack([rows**2, columns**2, rows * columns], axis=-1) / 100
    large = Enlargement((height, width), (3 * height, 3 * width))(texture)
    places = (np.arange(3 * width) + 0.5) / 3 - 0.5
    y, x = places[: 3 * height, None], places[None]
    expected = np.stack(np.broadcast_arrays(y**2, x**2, y * x), axis=-1) / 100
    inner = (slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(large[inner], expected[inner], atol=1e-5)


def test_u_wraps_around_and_v_stops_at_the_edge():
    texture = np.zeros((4, 8, 3), np.float32)
    texture[:, 0] = 1
    large = Enlargement((4, 8), (8, 16))(texture)
    np.testing.assert_allclose(large[:, -1], large[:, 2], atol=1e-6)
    assert large[0, -1, 0] > 0.1
    turned = Enlargement((8, 4), (16, 8))(np.ascontiguousarray(texture.transpose(1, 0, 2)))
    assert turned[0, 0, 0] > 1 - 0.1
    assert abs(turned[-1, 0, 0]) < 1e-6


def test_the_same_size_is_the_same_texture():
    texture = np.random.default_rng(0).random((5, 7, 3), np.float32)
    np.testing.assert_array_equal(Enlargement((5, 7), (5, 7))(texture), texture)


@pytest.mark.parametrize("larger", [(4, 8), (8, 7), (5, 0)])
def test_smaller_sizes_are_refused(larger):
    with pytest.raises(ValueError, match="must not be smaller"):
        Enlargement((5, 8), larger)


def test_a_texture_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(5, 7, 3\)"):
        Enlargement((5, 7), (5, 9))(np.zeros((5, 8, 3), np.float32))
