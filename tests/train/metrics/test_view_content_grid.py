import json

import numpy as np
import pytest

from train.metrics.view_content_grid import (
    circular_median_degrees,
    circular_std_degrees,
    consistency,
    measure_grid,
    obedience,
    object_deviations,
    variance_shares,
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


def grid(view: float, content: float, noise: float) -> np.ndarray:
    random = np.random.default_rng(3)
    return (
        view * random.standard_normal((200, 1, 1))
        + content * random.standard_normal((1, 200, 1))
        + noise * random.standard_normal((200, 200, 1))
    )


def test_shares_are_those_the_values_were_made_with():
    shares = variance_shares(grid(2.0, 1.0, 1.0))
    assert shares.view == pytest.approx(4 / 6, abs=0.06)
    assert shares.content == pytest.approx(1 / 6, abs=0.04)


def test_noise_alone_gives_no_share_to_anybody_even_on_a_small_grid():
    random = np.random.default_rng(0)
    shares = [variance_shares(random.standard_normal((12, 8))) for _ in range(50)]
    assert np.mean([share.view for share in shares]) < 0.05
    assert np.mean([share.content for share in shares]) < 0.05


def test_constant_values_have_no_shares():
    assert variance_shares(np.ones((3, 4, 2))) == (0.0, 0.0)


def test_a_single_view_cannot_be_decomposed():
    with pytest.raises(ValueError, match=r"\(1, 4\).*at least 2"):
        variance_shares(np.ones((1, 4)))


def test_a_view_that_imposes_a_body_deviates_most():
    random = np.random.default_rng(1)
    values = np.repeat(random.standard_normal((1, 16, 2)), 10, axis=0)
    values[4] = 1.5  # the same body whatever the content
    deviations = object_deviations([values, 3 * values[..., :1]])
    assert deviations.argmax() == 4
    assert deviations[4] > 3 * np.delete(deviations, 4).max()


def test_the_units_of_an_attribute_do_not_matter():
    values = np.random.default_rng(2).standard_normal((5, 6, 2))
    once, scaled = object_deviations([values]), object_deviations([1000 * values + 7])
    assert np.allclose(once, scaled, atol=1e-5)
    # Pure noise: nothing of it is the content's.
    assert 0.8 < once.mean() < 1.1


VIEWS, CONTENTS = 12, 8


def values(random: np.random.Generator) -> dict[str, np.ndarray]:
    """The kind follows the view, the roof the content, the length nobody."""
    view, content = np.indices((VIEWS, CONTENTS))
    return {
        "body_kind": np.eye(VIEWS)[view.ravel()],
        "roof_height": content.reshape(-1, 1).astype(float),
        "length": random.standard_normal((VIEWS * CONTENTS, 1)),
        "paint": random.random((VIEWS * CONTENTS, 3)),
    }


def test_both_measures_come_from_one_grid():
    random = np.random.default_rng(0)
    asked = np.arange(VIEWS) * 30.0
    read = np.repeat(asked, CONTENTS) + random.normal(0, 3, VIEWS * CONTENTS)
    measured = measure_grid(read, values(random), VIEWS, asked)
    assert measured.obeyed.median_degrees < 4 and measured.obeyed.beyond_30 == 0
    assert measured.viewpoint.stds.shape == (VIEWS,)
    assert measured.shares["body_kind"] == pytest.approx((1, 0), abs=1e-6)
    assert measured.shares["roof_height"] == pytest.approx((0, 1), abs=1e-6)
    assert max(measured.shares["length"]) < 0.3
    facts = json.loads(json.dumps(measured.facts()))
    assert facts["variance_shares_view_content"]["body_kind"] == [1.0, 0.0]
    assert facts["azimuth_asked_read_beyond_90"] == 0
    assert "roof_height 0.00/1.00" in measured.line() and "asked vs read" in measured.line()


def test_nothing_is_obeyed_where_nothing_was_asked():
    random = np.random.default_rng(1)
    measured = measure_grid(np.zeros(VIEWS * CONTENTS), values(random), VIEWS)
    assert measured.obeyed is None
    assert "azimuth_asked_read_median_degrees" not in measured.facts()
    assert "asked" not in measured.line()
