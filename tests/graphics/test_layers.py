import numpy as np
import pytest

from graphics.layers import layers
from graphics.mesh import sphere_template
from graphics.render import render

TEMPLATE = sphere_template(2)


@pytest.mark.parametrize("side", [32, 96])
def test_the_layers_have_the_drawings_side_and_no_old_object(side):
    cameras = np.array([[0, 0, 5, 0, 0]], np.float32)
    textures = np.full((1, 4, 8, 3), 0.5, np.float32)
    vertices = TEMPLATE.vertices[None] * np.float32(0.5)
    drawn = render(vertices, textures, cameras, TEMPLATE, side, samples=2)
    pixels = np.full((1, 32, 32, 3), (10, 200, 30), np.uint8)
    holes = np.zeros((1, 32, 32), bool)
    holes[:, 10:20, 4:12] = True
    pixels[holes] = 255
    given = layers(drawn, pixels, holes)
    np.testing.assert_array_equal(given.drawings[..., :3], drawn.images)
    np.testing.assert_array_equal(given.drawings[..., 3], drawn.masks)
    assert given.backgrounds.shape == (1, side, side, 3)
    assert (given.backgrounds == (10, 200, 30)).all()
    assert given.holes.shape == (1, side, side) and given.holes.dtype == np.float32
    scale = side // 32
    assert (given.holes[0, 12 * scale, 6 * scale], given.holes[0, 0, 0]) == (1, 0)


def test_a_background_without_a_hole_stays_as_it_is():
    random = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    cameras = np.tile(np.array([[0, 0, 5, 0, 0]], np.float32), (2, 1))
    vertices = np.repeat(TEMPLATE.vertices[None], 2, 0)
    drawn = render(vertices, np.zeros((2, 4, 8, 3), np.float32), cameras, TEMPLATE, 32)
    given = layers(drawn, random, np.zeros((2, 32, 32), bool))
    np.testing.assert_array_equal(given.backgrounds, random)
    assert not given.holes.any()
