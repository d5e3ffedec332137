import math

import pytest
import torch

from train.losses.reconstruction import (
    camera_loss,
    color_loss,
    distance_loss,
    iou_loss,
    perceptual_loss,
)
from train.models.camera_head import azimuth_targets


def test_color_counts_only_inside_the_mask():
    rendered, images = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    images[..., 0, 0] = 0.5
    images[..., 3, 3] = 1.0
    mask = torch.zeros(1, 4, 4)
    mask[0, 0, :2] = 1
    assert color_loss(rendered, images, mask).item() == pytest.approx(0.25)


def test_iou_of_equal_disjoint_and_half_overlapping_masks():
    left, right, both = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    left[..., :2], right[..., 2:] = 1, 1
    assert iou_loss(left, left).item() == pytest.approx(0)
    assert iou_loss(left, right).item() == pytest.approx(1)
    assert iou_loss(left, both).item() == pytest.approx(0.5)


def test_perceptual_distance_ignores_the_length_of_features_and_teaches_one_side_only():
    ours = torch.rand(2, 5, 3, 3, requires_grad=True)
    theirs = torch.rand(2, 5, 3, 3, requires_grad=True)
    assert perceptual_loss([ours], [ours.detach() * 7]).item() == pytest.approx(0, abs=1e-6)
    perceptual_loss([ours], [theirs]).backward()
    assert ours.grad is not None and theirs.grad is None


def test_the_camera_loss_is_least_where_the_head_reads_the_camera():
    cameras = torch.tensor([[350.0, 20.0, 5.0, 0.0, 0.0]], requires_grad=True)
    right = torch.log(azimuth_targets(cameras[:, 0].detach()) + 1e-9)
    wrong = torch.log(azimuth_targets(cameras[:, 0].detach() + 90) + 1e-9)
    best = camera_loss(right, cameras.detach(), cameras)
    assert best < camera_loss(wrong, cameras.detach(), cameras)
    tilted = cameras.detach() + torch.tensor([[0, 10.0, 0, 0, 0]])
    assert camera_loss(right, tilted, cameras) - best == pytest.approx(1.0)
    assert not best.requires_grad


def test_an_untold_elevation_asks_nothing_of_the_camera_head():
    cameras = torch.tensor([[350.0, math.nan, 5, 0, 0], [350.0, 20, 5, 0, 0]])
    predicted = torch.tensor([[350.0, 3, 5, 0, 0], [350.0, 25, 5, 0, 0]], requires_grad=True)
    logits = torch.log(azimuth_targets(cameras[:, 0]) + 1e-9)
    camera_loss(logits, predicted, cameras).backward()
    assert predicted.grad[:, 1].tolist() == [0.0, pytest.approx(0.05)]


def distance_loss_of(predicted, *labelled):
    cameras = torch.tensor([[0.0, 0.0, distance, 0.0, 0.0] for distance in predicted])
    return distance_loss(cameras, torch.tensor(labelled)).item()


def test_a_distance_that_was_told_is_held_to_by_its_share():
    assert distance_loss_of([5.0, 6.0], 5.0, 6.0) == 0
    # A tenth counts as one, on both sides and however far away the object is.
    assert distance_loss_of([5.0 * math.e**0.1], 5.0) == pytest.approx(1, rel=1e-4)
    assert distance_loss_of([2.5], 5.0) == pytest.approx(distance_loss_of([12.0], 6.0), rel=1e-5)


def test_a_distance_that_nobody_told_stays_near_the_nominal_one():
    unknown = float("nan")
    assert distance_loss_of([5.0], unknown) == 0
    assert 0 < distance_loss_of([5.5], unknown) < 0.1 * distance_loss_of([5.5], 5.0)
    cameras = torch.tensor([[0.0, 0.0, 5.5, 0.0, 0.0]], requires_grad=True)
    distance_loss(cameras, torch.tensor([unknown])).backward()
    assert cameras.grad.isfinite().all() and cameras.grad[0, 2] > 0
