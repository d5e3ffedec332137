import numpy as np
import pytest
from scipy.linalg import sqrtm

from train.metrics.frechet import frechet_distance, moments


def sample(seed, count=500, size=6):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (count, size)) @ rng.normal(0, 1, (size, size)) + rng.normal(0, 1, size)


def test_equals_the_formula_with_a_matrix_root():
    first, second = moments(sample(0)), moments(sample(1))
    root = sqrtm(first.covariance @ second.covariance).real
    wanted = np.square(first.mean - second.mean).sum() + np.trace(
        first.covariance + second.covariance - 2 * root
    )
    assert abs(frechet_distance(first, second) - wanted) < 1e-8 * wanted
    assert abs(frechet_distance(second, first) - wanted) < 1e-8 * wanted


def test_of_a_shift_is_its_square_and_of_itself_nothing():
    features = sample(2)
    found = moments(features)
    assert frechet_distance(found, found) < 1e-8
    assert abs(frechet_distance(found, moments(features + 2.0)) - 24.0) < 1e-6


def test_fewer_images_than_features_are_no_trouble():
    few = moments(sample(3, count=4))
    assert frechet_distance(few, few) < 1e-8


def test_wrong_features_are_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 6\)"):
        moments(sample(0, count=1))
