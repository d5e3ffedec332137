import numpy as np
import pytest
from PIL import Image

from graphics.frames import FRAME
from graphics.image_files import PhotographError
from graphics.photographs import GREY, cut_out, open_photograph
from graphics.segmented import box_within, cut_out_found, show
from tests.graphics.photograph_files import encoded

R, LIMIT = 32, 2 * 10**7
WIDTH, HEIGHT = 240, 160
OBJECT, OTHER = (90, 60, 150, 100), (10, 110, 50, 140)
COLOURS = {OBJECT: (200, 40, 40), OTHER: (40, 40, 200)}


def opened(scale=1, form="PNG"):
    """Two boxes on green, at `scale` times WIDTH x HEIGHT."""
    image = Image.new("RGB", (WIDTH * scale, HEIGHT * scale), (30, 120, 30))
    for box, colour in COLOURS.items():
        image.paste(colour, tuple(scale * value for value in box))
    return open_photograph(encoded(image, form), R, LIMIT)


def found_in(pixels):
    """A perfect segmenter: everything but the ground, at half the side."""
    away = np.abs(pixels.astype(int) - [30, 120, 30]).sum(-1) > 90
    return away.reshape(len(away) // 2, 2, -1, 2).mean((1, 3)).astype(np.float32)


def seen(one, stretched=True, box=None, side=96):
    shown = show(one, side, stretched, box)
    assert shown.pixels.shape == (side, side, 3)
    return cut_out_found(shown, found_in(shown.pixels), R)


@pytest.mark.parametrize("stretched", [True, False])
@pytest.mark.parametrize(("scale", "form"), [(1, "PNG"), (5, "JPEG")])
def test_the_object_is_cut_out_as_if_its_mask_had_come_with_it(stretched, scale, form):
    found = seen(opened(scale, form), stretched)
    mask = Image.new("L", (WIDTH * scale, HEIGHT * scale))
    mask.paste(255, tuple(scale * value for value in OBJECT))
    image = Image.new("RGB", mask.size, COLOURS[OBJECT])
    wanted = cut_out(open_photograph(encoded(image), R, LIMIT, encoded(mask)), R)
    assert found.size == wanted.size
    assert found.frame == pytest.approx(wanted.frame, abs=8 * scale)
    assert np.abs(found.mask - wanted.mask).mean() < 0.04
    inside = found.mask > 0.95
    assert np.abs(found.pixels[inside].astype(int) - COLOURS[OBJECT]).max() < 40
    assert np.all(found.pixels[found.mask == 0] == GREY)
    assert 0 < found.rival_share < 0.5


def test_what_surrounds_it_is_kept_beside():
    found = seen(opened())
    assert tuple(found.surroundings[0, 0]) == (30, 120, 30)
    inside = found.mask == 1
    assert np.abs(found.surroundings[inside].astype(int) - found.pixels[inside]).max() <= 12


@pytest.mark.parametrize("stretched", [True, False])
def test_a_box_names_another_object(stretched):
    found = seen(opened(), stretched, OTHER)
    left, top, side = found.frame
    assert side == pytest.approx(FRAME * np.sqrt(40 * 30), abs=8)
    assert (left + side / 2, top + side / 2) == pytest.approx((30, 125), abs=3)
    blue = found.pixels[found.mask > 0.9]
    assert np.abs(blue.astype(int) - COLOURS[OTHER]).max() < 60


def test_around_a_box_the_segmenter_sees_more_than_the_box_and_less_than_all():
    shown = show(opened(), 96, True, OTHER)
    assert shown.region == (0, 100, 61, 151)
    assert shown.box == pytest.approx((10 / 61, 10 / 51, 50 / 61, 40 / 51))


def test_a_box_is_of_the_photograph_that_a_large_jpeg_is():
    one = opened(20, "JPEG")
    assert one.image.width < one.size[0] == 20 * WIDTH
    found = seen(one, True, tuple(20 * value for value in OTHER))
    assert found.frame.left + found.frame.side / 2 == pytest.approx(20 * 30, abs=60)


@pytest.mark.parametrize("box", [None, (200, 10, 230, 30)])
def test_where_nothing_is_found_the_whole_photograph_comes_with_an_empty_mask(box):
    shown = show(opened(), 96, True, box)
    found = cut_out_found(shown, np.zeros((48, 48), np.float32), R)
    assert found.frame == (0, -40, 240) and found.mask.max() == 0
    assert found.rival_share == 0 and np.array_equal(found.surroundings, found.pixels)


def test_an_object_lost_in_scaling_is_none():
    image = Image.new("RGB", (20, 20), (30, 120, 30))
    mask = np.zeros((144, 144), np.float32)
    mask[70, 70] = 1
    found = cut_out_found(show(open_photograph(encoded(image), R, LIMIT), 288, True), mask, R)
    assert found.mask.max() == 0


@pytest.mark.parametrize(
    "box",
    [(50, 50, 50, 90), (90, 50, 50, 90), (50, 90, 90, 50), (300, 0, 400, 90), (0, -50, 90, -1)],
)
def test_an_empty_box_or_one_outside_is_refused(box):
    with pytest.raises(PhotographError, match=r"no pixel of the photograph.*240x160 px") as caught:
        box_within(opened(), box)
    assert caught.value.code == "bad_box"


def test_a_box_that_reaches_outside_is_cut():
    assert box_within(opened(), (-20, 30, 500, 90)) == (0, 30, 240, 90)
