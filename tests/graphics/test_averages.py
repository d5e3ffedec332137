import numpy as np
import pytest
from PIL import Image

from graphics.averages import Place, average_cut_out, average_square
from graphics.photographs import GREY


def noise(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def by_pillow(colours, coverage, corner, factor, square, side):
    """What Pillow makes of it, step by step."""
    object_ = Image.fromarray(colours).convert("RGB")
    object_.putalpha(Image.fromarray(coverage))
    whole = Image.new("RGBA", (square, square))
    small = object_.reduce(factor) if factor > 1 else object_
    whole.paste(small, (corner[1] // factor, corner[0] // factor))
    pixels = np.asarray(whole.resize((side, side), Image.Resampling.BOX)).astype(np.float64)
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + GREY * (1 - alpha), pixels[..., 3]


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("side", [16, 24, 50])
def test_a_cut_out_is_pillow_s_without_its_roundings(factor, side):
    square, height, width = 53, 41 * factor - 1, 33 * factor - 1
    colours, coverage = noise(height, width, 3), noise(height, width)
    coverage[:5] = 0
    place = Place((7, 3), (5 * factor, 2 * factor), square, factor, 1)
    found = average_cut_out(colours, coverage, place, side, GREY)
    pixels, alpha = by_pillow(colours, coverage, place.within, factor, square, side)
    assert np.abs(found.pixels - pixels).max() <= 3
    assert np.abs(found.alpha - alpha).max() <= 1.01


def test_a_photograph_at_a_fraction_of_its_mask_is_the_one_of_which_each_pixel_is_several():
    colours, coverage = noise(15, 20, 3), noise(29, 39)
    place = Place((3, 5), (4, 9), 48, 1, 2)
    # The mask begins in the middle of a pixel of the photograph.
    large = colours.repeat(2, 0).repeat(2, 1)[1:30, 1:40]
    found = average_cut_out(colours, coverage, place, 24, GREY)
    whole = average_cut_out(large, coverage, place._replace(fraction=1), 24, GREY)
    np.testing.assert_array_equal(found.pixels, whole.pixels)
    with pytest.raises(ValueError, match=r"colours is \(14, 20\); .* must be \(15, 20\)"):
        average_cut_out(colours[1:], coverage, place, 24, GREY)


@pytest.mark.parametrize("side", [10, 16, 23])
def test_a_square_that_reaches_outside_goes_on_by_its_edges(side):
    image = noise(30, 40, 3)
    rows, columns = np.clip(np.arange(-8, 32), 0, 29), np.clip(np.arange(9, 49), 0, 39)
    square = Image.fromarray(image.take(rows, 0).take(columns, 1))
    wanted = np.asarray(square.resize((side, side), Image.Resampling.BOX)).astype(int)
    assert np.abs(average_square(image, rows, columns, side) - wanted).max() <= 1


def test_more_pixels_than_there_are_are_refused():
    with pytest.raises(ValueError, match="20 px of a square of 10 px"):
        average_square(noise(10, 10, 3), np.arange(10), np.arange(10), 20)
