import numpy as np
import pytest

from graphics.enlargement import Enlargement


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
