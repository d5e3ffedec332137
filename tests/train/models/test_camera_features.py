import math

import torch

from train.models.camera_features import (
    CAMERA_FEATURES,
    DISTANCE_FEATURE,
    camera_features,
    camera_layer,
)


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


def test_a_layer_that_nobody_told_distances_makes_nothing_of_one():
    layer = camera_layer(8)
    cameras = torch.tensor([[20.0, 5, math.nan, 0, 0], [20.0, 5, 6, 0, 0], [30.0, 5, 6, 0, 0]])
    untold, far, turned = layer(camera_features(cameras))
    torch.testing.assert_close(untold, far)
    assert (far - turned).abs().max() > 0.01


def test_a_layer_learns_distances_that_it_is_told():
    layer = camera_layer(8)
    layer(camera_features(torch.tensor([[20.0, 5, 6, 0, 0]]))).sum().backward()
    assert layer.weight.grad[:, DISTANCE_FEATURE].abs().min() > 0
