import numpy as np
import pytest

from graphics.azimuth import BINS, UNKNOWN, Hypothesis, alternatives, opposite_probability


def distribution(**masses):
    """Probabilities by degrees, `at_90=0.3`; the rest is nowhere."""
    found = np.zeros(BINS, np.float32)
    for name, mass in masses.items():
        found[int(name.removeprefix("at_")) // 15] = mass
    return found


def test_a_single_peak_leaves_no_doubt():
    assert alternatives(distribution(at_90=1.0), 90.0) == []
    assert alternatives(distribution(at_75=0.3, at_90=0.4, at_105=0.3), 90.0) == []


def test_a_second_peak_is_a_hypothesis_with_its_neighbours_mass_and_direction():
    bins = distribution(at_30=0.6, at_195=0.1, at_210=0.2, at_225=0.1)
    (found,) = alternatives(bins, 30.0)
    assert found.azimuth_degrees == pytest.approx(-150, abs=1e-3)
    assert found.probability == pytest.approx(0.4)
    leaning = distribution(at_30=0.6, at_210=0.2, at_225=0.2)
    (found,) = alternatives(leaning, 30.0)
    assert found.azimuth_degrees == pytest.approx(-142.5, abs=1e-3)
    assert found.probability == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("masses", "azimuth"),
    [
        ({"at_345": 0.15, "at_0": 0.15}, -7.5),
        ({"at_0": 0.15, "at_15": 0.15}, 7.5),
        ({"at_345": 0.1, "at_0": 0.1, "at_15": 0.1}, 0.0),
        ({"at_330": 0.1, "at_345": 0.2}, -20.0),
    ],
)
def test_a_peak_may_lie_across_zero(masses, azimuth):
    (found,) = alternatives(distribution(at_180=0.7, **masses), 180.0)
    assert found.azimuth_degrees == pytest.approx(azimuth, abs=0.1)
    assert found.probability == pytest.approx(0.3)


def test_the_camera_s_own_peak_across_zero_is_none():
    bins = distribution(at_345=0.5, at_0=0.5)
    for azimuth in (-7.5, 352.5, 712.5):
        assert alternatives(bins, azimuth) == []


def test_a_flat_distribution_has_no_peak():
    assert alternatives(UNKNOWN, 0.0) == []
    assert alternatives(UNKNOWN, 123.0) == []


def test_what_is_nearer_than_sixty_degrees_is_the_same_hypothesis():
    bins = distribution(at_0=0.6, at_45=0.4)
    assert alternatives(bins, 0.0) == []
    assert len(alternatives(distribution(at_0=0.6, at_60=0.4), 0.0)) == 1
    # Of two that are near one another the likelier stands for both.
    (found,) = alternatives(distribution(at_0=0.6, at_150=0.1, at_195=0.3), 0.0)
    assert found == pytest.approx((-165, 0.3), abs=1e-3)


def test_the_slope_of_the_camera_s_peak_is_none():
    bins = distribution(at_0=0.4, at_15=0.25, at_30=0.15, at_45=0.1, at_60=0.06, at_75=0.04)
    assert alternatives(bins, 0.0) == []


def test_several_come_by_their_probability_and_the_unlikely_do_not():
    bins = distribution(at_0=0.5, at_90=0.1, at_180=0.36, at_270=0.04)
    found = alternatives(bins, 0.0)
    assert [round(one.azimuth_degrees) % 360 for one in found] == [180, 90]
    assert [one.probability for one in found] == pytest.approx([0.36, 0.1])


def test_other_bins_are_refused():
    with pytest.raises(ValueError, match=r"has shape \(12,\); it must be \(24,\)"):
        alternatives(np.full(12, 1 / 12), 0.0)


@pytest.mark.parametrize(
    ("azimuth", "camera", "probability"),
    [(180, 0, 0.3), (-136, 0, 0.3), (134, 0, 0), (-10, 170, 0.3), (10, 530, 0.3), (90, 0, 0)],
)
def test_the_opposite_is_what_faces_the_other_way(azimuth, camera, probability):
    found = [Hypothesis(80, 0.4), Hypothesis(azimuth, 0.3)]
    assert opposite_probability(found, camera) == probability


def test_nothing_is_opposite_where_there_is_no_doubt():
    assert opposite_probability([], 0.0) == 0
