import numpy as np
import pytest

from graphics.fusing.painting import Shot, coverage, exposures, paint
from graphics.render import look
from graphics.texture_transfer import TextureTransfer
from tests.graphics.fusing.wedges import TEMPLATE, TEXTURE_SIZE, camera, painted, photograph, wedge

TRANSFER = TextureTransfer(TEMPLATE, *TEXTURE_SIZE)
GREY = np.full((*TEXTURE_SIZE, 3), 0.5, np.float32)


def shot(azimuth, brightness=1.0, texture=None):
    pixels, mask = photograph(azimuth, texture=texture)
    dimmed = (pixels * brightness).astype(np.uint8)
    view = look(wedge()[None], camera(azimuth)[None], TEMPLATE)
    return Shot(dimmed, mask, view, 1.0)


def rows(texture):
    """The middle rows, where poles do not disturb."""
    return texture[12:20].astype(float)


def test_four_photographs_paint_the_object_all_round():
    made = paint(TRANSFER, [shot(azimuth) for azimuth in (0, 90, 180, 270)], GREY, symmetric=False)
    assert np.abs(rows(made.texture) - rows(painted())).mean() < 12
    shares = coverage(TRANSFER, shot(0).view, made.views, 4)
    assert shares.sum() == pytest.approx(1) and shares[0] < 0.35 and shares[1:].sum() > 0.65


def test_the_rear_is_that_of_the_photograph_of_the_rear():
    alone = paint(TRANSFER, [shot(0)], GREY, symmetric=True).texture
    both = paint(TRANSFER, [shot(0), shot(180)], GREY, symmetric=True).texture
    rear = painted()[16, [0, -1]].astype(float)
    assert np.abs(both[16, [0, -1]] - rear).mean() < 15
    assert np.abs(alone[16, [0, -1]] - rear).mean() > 40


def test_mirror_images_fill_what_no_photograph_shows_unless_switched_off():
    side = [shot(90)]
    mirrored = paint(TRANSFER, side, GREY, symmetric=True).texture
    single = paint(TRANSFER, side, GREY, symmetric=False).texture
    left = TEXTURE_SIZE[1] // 4  # the side that is not seen
    assert np.abs(single[16, left].astype(int) - 128).max() <= 1
    assert np.abs(mirrored[16, left].astype(int) - painted()[16, left]).max() < 25


def test_mirror_images_paint_nothing_that_a_photograph_shows():
    other_side = painted((30, 200, 30), (30, 200, 30))
    shots = [shot(90), shot(-90, texture=other_side)]
    texture = paint(TRANSFER, shots, GREY, symmetric=True).texture.astype(int)
    quarter = TEXTURE_SIZE[1] // 4
    assert texture[16, quarter, 1] > 120 and texture[16, 3 * quarter, 1] < 80


def test_exposures_are_equalised_where_photographs_overlap():
    bright, dark = shot(60), shot(120, brightness=0.6)
    found = [TRANSFER.seen(one.photograph, one.mask, one.view) for one in (bright, dark)]
    gains = exposures(np.stack([f[0] for f in found]), np.stack([f[1] for f in found]))
    assert gains[1] / gains[0] == pytest.approx(np.full(3, 1 / 0.6), rel=0.2)
    assert np.prod(gains, axis=0) == pytest.approx(np.ones(3), rel=1e-4)
