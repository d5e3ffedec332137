import io

import numpy as np
import pytest
from PIL import Image

from graphics.mesh import sphere_template
from service.imaging import images
from service.imaging.painting import LARGEST_WIDTH, Painter
from service.inference.runners import Reconstruction

R, SIDE = 32, 128
TEMPLATE = sphere_template(2)
CAMERA = np.float32([0, 0, 5, 0, 0])
WHITE = np.ones((16, 32, 3), np.float32)


def photograph_of(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return images.decode(file.getvalue(), R, pixel_limit=10**6)


@pytest.fixture
def found():
    return Reconstruction(TEMPLATE.vertices * np.float32(0.8), WHITE, CAMERA, 1.0)


@pytest.fixture
def striped():
    """Blue with black stripes of two pixels, which are grey-blue at the model's resolution."""
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[:, np.arange(SIDE) % 4 < 2, 2] = 200
    return photograph_of(pixels)


MASK = np.ones((R, R), np.float32)


def test_the_front_shows_the_photograph_and_the_back_the_prediction(striped, found):
    painted = Painter(TEMPLATE).paint(striped, MASK, found, 32)
    assert painted.shape == WHITE.shape
    middle = painted[8, 16]
    np.testing.assert_allclose(middle, [0, 0, 100], atol=12)
    np.testing.assert_array_equal(painted[8, [0, -1]], 255)


def test_larger_textures_take_detail_that_the_model_never_saw(striped, found):
    painter = Painter(TEMPLATE)
    blue = painter.paint(striped, MASK, found, 512)[120:136, 236:276, 2]
    assert blue.min() < 30 and blue.max() > 170


def test_no_texture_is_painted_larger_than_any_photograph_is_kept(striped, found):
    large = Painter(TEMPLATE).paint(striped, MASK, found, 2 * LARGEST_WIDTH)
    assert large.shape == (LARGEST_WIDTH, 2 * LARGEST_WIDTH, 3)


def test_only_the_first_size_and_the_last_one_are_kept(striped, found):
    painter = Painter(TEMPLATE)
    for longer in (64, 128, 256):
        painter.paint(striped, MASK, found, longer)
    assert list(painter._transfers) == [(32, 64), (128, 256)]


def test_objects_cut_out_of_their_photograph_keep_their_detail():
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    pixels[16:112, 16:112] = (10, 200, 10, 255)
    taken = photograph_of(pixels)
    assert taken.pixels.shape == (R, R, 3)
    assert len(taken.detail) > 2 * R
    middle, corner = len(taken.detail) // 2, taken.detail[0, 0]
    assert taken.detail[middle, middle].tolist() == [10, 200, 10]
    assert corner.tolist() == [images.GREY] * 3
