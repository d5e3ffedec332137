import numpy as np
import pytest

from train.metrics.disentanglement import object_deviations, variance_shares


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
