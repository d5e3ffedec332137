import numpy as np
import pytest

from train.metrics.camera_error import camera_errors


def test_errors_by_hand_go_the_short_way_round() -> None:
    predicted = np.array([[350.0, 10, 6, 0, 0], [-170, 25, 4, 0.3, 0], [90, 0, 5, 0, 0]])
    true = np.array([[10.0, 15, 5, 0, 0], [170, 5, 5, 0, 0], [-90, 0, 5, 0, 0]])
    errors = camera_errors(predicted.astype(np.float32), true.astype(np.float32))
    assert np.allclose(errors.azimuth_signed_degrees, [-20, 20, -180])
    assert np.allclose(errors.azimuth_degrees, [20, 20, 180])
    assert np.allclose(errors.elevation_degrees, [5, 20, 0])
    assert np.allclose(errors.distance_relative, [0.2, 0.2, 0])


def test_unequal_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="2 predicted and 1 true"):
        camera_errors(np.zeros((2, 5)), np.zeros((1, 5)))
    with pytest.raises(ValueError, match=r"\(2, 4\)"):
        camera_errors(np.zeros((2, 4)), np.zeros((2, 4)))
