import numpy as np
import pytest

from train.metrics.viewpoint_consistency import (
    circular_median_degrees,
    circular_std_degrees,
    consistency,
    obedience,
)


def test_std_of_narrow_angles_is_their_ordinary_std():
    angles = np.random.default_rng(0).normal(175, 5, (1, 20_000))
    assert circular_std_degrees((angles + 180) % 360 - 180)[0] == pytest.approx(5, rel=0.03)


def test_std_of_equal_angles_is_zero_and_of_scattered_ones_large():
    assert circular_std_degrees(np.full((2, 7), 123.0)).max() < 1e-3
    assert circular_std_degrees(np.array([[0.0, 90.0, 180.0, 270.0]]))[0] > 180


def test_median_stays_with_the_majority_of_a_flipping_code():
    azimuths = np.array([[178.0, -179.0, 179.0, 1.0, 0.0], [10.0, 11.0, 12.0, 13.0, 14.0]])
    assert circular_median_degrees(azimuths).tolist() == [178.0, 12.0]
    assert consistency(azimuths).centres == pytest.approx([179 + 1 / 3, 12.0], abs=0.01)


def test_flip_rate_counts_images_that_show_the_other_end():
    measured = consistency(np.array([[90.0, 91, 89, -90], [0.0, 0, 0, 0]]))
    assert measured.flip_rates.tolist() == [0.25, 0.0]
    assert measured.stds[0] > 30 and measured.stds[1] < 1


def test_obedience_goes_the_short_way_round():
    asked = np.array([170.0, -175.0, 0.0, 10.0])
    read = np.array([-170.0, 175.0, 40.0, -170.0])
    measured = obedience(asked, read)
    assert measured.median_degrees == pytest.approx(30)
    assert (measured.beyond_30, measured.beyond_90) == (0.5, 0.25)
