import colorsys

import numpy as np
import pytest

from graphics.camera import azimuth_difference_degrees
from train.metrics.hues import hues_degrees, saturations


def test_pure_and_mixed_colours_have_the_hues_of_the_colour_circle():
    colours = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], float)
    np.testing.assert_allclose(hues_degrees(colours), [0, 60, 120, 180, 240, 300], atol=1e-9)
    np.testing.assert_allclose(hues_degrees(0.2 + 0.3 * colours), [0, 60, 120, 180, 240, 300])


def test_any_colour_is_near_the_hue_and_has_the_saturation_of_hsv():
    colours = np.random.default_rng(0).random((500, 3))
    wanted = np.array([colorsys.rgb_to_hsv(*colour) for colour in colours])
    apart = azimuth_difference_degrees(hues_degrees(colours), 360 * wanted[:, 0])
    assert apart.max() < 1.2
    np.testing.assert_allclose(saturations(colours), wanted[:, 1])


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_a_grey_has_no_saturation(grey):
    assert saturations(np.full(3, grey)) == 0 and hues_degrees(np.full(3, grey)) == 0
