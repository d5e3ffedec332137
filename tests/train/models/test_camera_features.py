import math

import torch

from train.models.camera_features import (
    CAMERA_FEATURES,
    ELEVATION_FEATURE,
    camera_features,
    camera_layer,
)


def test_azimuths_are_periodic_and_offsets_are_not_told():
    cameras = torch.tensor([[10.0, 5, 6, 0, 0], [370.0, 5, 6, 0.1, -0.1], [190.0, 5, 6, 0, 0]])
    first, around, behind = camera_features(cameras)
    assert first.shape == (CAMERA_FEATURES,)
    torch.testing.assert_close(first, around)
    assert (first - behind).abs().max() > 1


def test_an_unlabelled_distance_counts_as_the_nominal_one():
    cameras = torch.tensor([[0.0, 0, 5, 0, 0], [0.0, 0, math.nan, 0, 0], [0.0, 0, 6, 0, 0]])
    nominal, unlabelled, far = camera_features(cameras)
    assert torch.equal(nominal, unlabelled) and far[-1] > 1


def test_an_unlabelled_elevation_counts_as_none():
    level, unlabelled, high = camera_features(
        torch.tensor([[30.0, 0, 5, 0, 0], [30.0, math.nan, 5, 0, 0], [30.0, 30, 5, 0, 0]])
    )
    assert torch.equal(level, unlabelled) and high[-2] == 1


def test_a_layer_ignores_what_is_unlabelled():
    layer = camera_layer(8)
    nan = math.nan
    cameras = torch.tensor([[20.0, nan, nan, 0, 0], [20.0, 25, 6, 0, 0], [30.0, nan, nan, 0, 0]])
    unlabelled, asked, turned = layer(camera_features(cameras))
    torch.testing.assert_close(unlabelled, asked)
    assert (unlabelled - turned).abs().max() > 0.01


def test_a_layer_learns_what_it_is_told():
    layer = camera_layer(8)
    layer(camera_features(torch.tensor([[20.0, 5, 6, 0, 0]]))).sum().backward()
    assert layer.weight.grad[:, ELEVATION_FEATURE:].abs().min() > 0
