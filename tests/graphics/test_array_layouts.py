"""Arrays of any layout, and pictures of any size down to one pixel: the same, and in range."""

import numpy as np
import pytest

from graphics.inpainting import fill, whole_hole
from graphics.mesh import sphere_template
from graphics.object_choice import choose_object
from graphics.render import look, render_view
from graphics.texture_transfer import TextureTransfer

TEMPLATE = sphere_template(1)
CAMERA = np.array([[30, 10, 5, 0, 0]], np.float32)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def strided(array):
    return np.repeat(array, 2, axis=0)[::2]


@pytest.fixture(params=[np.asfortranarray, read_only, strided])
def layout(request):
    return request.param


@pytest.mark.parametrize("side", [1, 2, 3, 17])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_filled_hole_is_within_what_is_around_it(side, share, layout):
    random = np.random.default_rng(side)
    pixels = random.integers(0, 256, (side, side, 3), np.uint8)
    hole = random.random((side, side)) < share
    filled = fill(pixels, hole)
    assert np.array_equal(fill(layout(pixels), layout(hole)), filled)
    assert np.array_equal(whole_hole(layout(hole)), whole_hole(hole))
    assert (whole_hole(hole) >= hole).all()
    known = pixels[~hole]
    assert np.array_equal(filled[~hole], known)
    if len(known) and hole.any():
        assert known.min() <= filled[hole].min() <= filled[hole].max() <= known.max()


@pytest.mark.parametrize("side", [1, 2, 33])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_photograph_is_put_on_the_same_texture(side, dtype, layout):
    random = np.random.default_rng(side)
    transfer = TextureTransfer(TEMPLATE, 5, 9)
    view = look(TEMPLATE.vertices[None] * np.float32(0.5), CAMERA, TEMPLATE)
    photograph = (random.random((side, side, 3)) * (255 if dtype == np.uint8 else 1)).astype(dtype)
    mask, texture = np.ones((side, side), np.float32), random.random((5, 9, 3), np.float32)
    painted = transfer(photograph, mask, view, texture)
    given = (layout(photograph), layout(mask), view, layout(texture))
    assert np.array_equal(transfer(*given), painted)
    unseen = transfer(photograph, 0 * mask, view, texture)
    whole = np.rint(texture * 255) if dtype == np.uint8 else texture
    assert np.abs(unseen - whole.astype(np.float64)).max() <= (1 if dtype == np.uint8 else 1e-6)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_samples_are_averaged_over_each_pixel(samples):
    texture = np.random.default_rng(0).random((1, 4, 8, 3), np.float32)
    view = look(TEMPLATE.vertices[None], CAMERA, TEMPLATE)
    fine = render_view(view, texture, TEMPLATE, 7 * samples)
    coarse = render_view(view, texture, TEMPLATE, 7, samples=samples)
    for one, whole in zip(fine, coarse, strict=True):
        blocks = one.reshape(1, 7, samples, 7, samples, -1).mean(axis=(2, 4), dtype=np.float64)
        assert np.allclose(blocks.reshape(whole.shape), whole, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (9, 9)])
def test_the_same_object_is_meant(shape, layout):
    mask = np.random.default_rng(3).random(shape, np.float32)
    mask.flat[0] = 1
    for box in (None, (0.0, 0.0, 1e9, 1e9)):
        wanted, found = choose_object(mask, box), choose_object(layout(mask), box)
        assert wanted is not None and np.array_equal(found.mask, wanted.mask)
        assert found.rival_share == wanted.rival_share
