import math

import torch

from train.models.camera_features import CAMERA_FEATURES, camera_features


def test_azimuths_are_periodic_and_offsets_are_not_told():
    cameras = torch.tensor([[10.0, 5, 6, 0, 0], [370.0, 5, 6, 0.1, -0.1], [190.0, 5, 6, 0, 0]])
    first, around, behind = camera_features(cameras)
    assert first.shape == (CAMERA_FEATURES,)
    torch.testing.assert_close(first, around)
    assert (first - behind).abs().max() > 1


def test_an_untold_distance_counts_as_the_nominal_one():
    cameras = torch.tensor([[0.0, 0, 5, 0, 0], [0.0, 0, math.nan, 0, 0], [0.0, 0, 6, 0, 0]])
    nominal, untold, far = camera_features(cameras)
    assert torch.equal(nominal, untold) and far[-1] > 1
