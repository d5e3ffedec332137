import numpy as np
import pytest

from train.metrics.manifold import block_means, pixel_features, precision_recall


def test_samples_of_one_distribution_cover_each_other_and_shifted_ones_do_not():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 300, 4))
    found = precision_recall(first, second)
    assert min(found) > 0.8
    assert max(precision_recall(first, second + 20)) == 0


def test_a_single_picture_has_precision_and_no_recall():
    first = np.random.default_rng(0).standard_normal((300, 4))
    found = precision_recall(first, np.zeros((300, 4)) + 1e-3 * first)
    assert found.precision > 0.9 and found.recall < 0.05


def test_features_are_block_means_at_any_side():
    for side in (32, 64):
        flat = np.full((2, side, side, 3), 51, np.uint8)
        features = pixel_features(flat)
        assert features.shape[0] == 2
        assert np.allclose(features[:, :192], 0.2) and not features[:, 192:].any()
    ramp = np.arange(16, dtype=np.float32).reshape(1, 1, 16, 1).repeat(16, axis=1)
    assert block_means(ramp)[0, 0, :, 0].tolist() == [0.5 + 2 * n for n in range(8)]
    with pytest.raises(ValueError, match="multiple of 8"):
        pixel_features(np.zeros((1, 30, 30, 3), np.uint8))
    with pytest.raises(ValueError, match="at least two"):
        precision_recall(np.zeros((1, 4)), np.zeros((5, 4)))
