import io

import numpy as np
import pytest
from PIL import Image

from graphics.image_files import PhotographError
from graphics.photographs import decode
from service.errors import ItemError
from service.imaging.images import background_of, blaming_the_image, encode_png
from tests.service.small_bundle import draw_photograph

R = 32
LIMIT = 4_000_000
PNG = encode_png(np.asarray(draw_photograph()))


@pytest.mark.parametrize(
    ("content", "mask", "code"),
    [
        (b"", None, "empty_file"),
        (b"hello", None, "unsupported_format"),
        (PNG[:300], None, "unreadable_image"),
        (encode_png(np.zeros((3000, 3000), np.uint8)), None, "image_too_large"),
        (encode_png(np.zeros((7, 7), np.uint8)), None, "image_too_narrow"),
        (encode_png(np.zeros((50, 50, 4), np.uint8)), None, "transparent_image"),
        (PNG, b"", "unreadable_mask"),
        (PNG, encode_png(np.zeros((45, 60), np.uint8)), "wrong_mask_size"),
    ],
)
def test_clients_get_what_the_preprocessing_says(content, mask, code):
    with pytest.raises(PhotographError) as wanted:
        decode(content, R, LIMIT, mask)
    with pytest.raises(ItemError) as got, blaming_the_image():
        decode(content, R, LIMIT, mask)
    assert got.value.code == wanted.value.code == code
    assert got.value.message == wanted.value.message


def test_the_background_is_the_photograph_without_the_object():
    pixels = np.full((R, R, 3), 7, np.uint8)
    mask = np.zeros((R, R), np.float32)
    mask[4:8] = 1
    background = background_of(pixels, mask)
    assert np.all(background[4:8] == 128)
    assert np.all(background[8:] == 7)


def test_png_keeps_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)
