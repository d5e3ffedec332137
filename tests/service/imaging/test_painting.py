import io

import numpy as np
import pytest
from PIL import Image

from graphics.mesh import sphere_template
from graphics.photographs import GREY, decode
from graphics.render import look
from service.imaging.painting import LARGEST_WIDTH, Painter

R, SIDE = 32, 128
TEMPLATE = sphere_template(2)
CAMERA = np.float32([0, 0, 5, 0, 0])
WHITE = np.ones((16, 32, 3), np.float32)


def photograph_of(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return decode(file.getvalue(), R, pixel_limit=10**6)


@pytest.fixture
def view():
    return look(TEMPLATE.vertices[None] * np.float32(0.8), CAMERA[None], TEMPLATE)


@pytest.fixture
def painter():
    return Painter(TEMPLATE, WHITE.shape[:2])


@pytest.fixture
def striped():
    """Blue with black stripes of two pixels, which are grey-blue at the model's resolution."""
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[:, np.arange(SIDE) % 4 < 2, 2] = 200
    return photograph_of(pixels)


MASK = np.ones((R, R), np.float32)


def test_the_front_shows_the_photograph_and_the_back_the_prediction(striped, view, painter):
    painted = painter.paint(striped, MASK, view, WHITE, 32)
    assert painted.shape == WHITE.shape
    middle = painted[8, 16]
    np.testing.assert_allclose(middle, [0, 0, 100], atol=12)
    np.testing.assert_array_equal(painted[8, [0, -1]], 255)


def test_larger_textures_take_detail_that_the_model_never_saw(striped, view, painter):
    blue = painter.paint(striped, MASK, view, WHITE, 512)[120:136, 236:276, 2]
    assert blue.min() < 30 and blue.max() > 170


def test_no_texture_is_painted_larger_than_any_photograph_is_kept(striped, view, painter):
    large = painter.paint(striped, MASK, view, WHITE, 2 * LARGEST_WIDTH)
    assert large.shape == (LARGEST_WIDTH, 2 * LARGEST_WIDTH, 3)


def test_only_the_first_size_and_the_last_one_are_kept(striped, view, painter):
    for longer in (64, 128, 256):
        painter.paint(striped, MASK, view, WHITE, longer)
    assert list(painter._sizes) == [(32, 64), (128, 256)]


def test_smaller_textures_are_averages(striped, view, painter):
    small = painter.paint(striped, MASK, view, WHITE, 16)
    assert small.shape == (8, 16, 3)
    np.testing.assert_array_equal(small[4, [0, -1]], 255)


def test_detail_is_kept_as_far_as_it_is_of_use(painter):
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    for longer, side in ((32, R), (128, 64), (2048, SIDE)):
        taken = decode(file.getvalue(), R, 10**6, detail=painter.height(longer))
        assert taken.detail.shape == (side, side, 3)


def test_objects_cut_out_of_their_photograph_keep_their_detail():
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    pixels[16:112, 16:112] = (10, 200, 10, 255)
    taken = photograph_of(pixels)
    assert taken.pixels.shape == (R, R, 3)
    assert len(taken.detail) > 2 * R
    middle, corner = len(taken.detail) // 2, taken.detail[0, 0]
    assert taken.detail[middle, middle].tolist() == [10, 200, 10]
    assert corner.tolist() == [GREY] * 3
