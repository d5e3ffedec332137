import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from graphics.mesh import Template, edges_of, sphere_template
from train.config import InverseConfig
from train.losses.multiview import (
    MultiviewLoss,
    Views,
    camera_loss,
    color_loss,
    crosswise,
    distance_loss,
    farthest,
    flatten_loss,
    iou_loss,
    laplacian,
    laplacian_loss,
    movement_loss,
    perceptual_loss,
)
from train.models.heads import azimuth_targets
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape
from train.renderer.render import Renderer


def test_two_views_are_rendered_crosswise_and_one_view_into_itself():
    objects = torch.tensor([0, 0, 1, 1, 2])
    source, target = crosswise(objects)
    assert list(zip(source.tolist(), target.tolist(), strict=True)) == [
        (0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 4),
    ]  # fmt: skip
    chosen = farthest(objects, source, target)
    assert list(zip(source[chosen].tolist(), target[chosen].tolist(), strict=True)) == [
        (0, 1), (1, 0), (2, 3), (3, 2), (4, 4),
    ]  # fmt: skip


def pooled(images):
    return [torch.nn.functional.avg_pool2d(images, 4)]


def test_every_part_of_a_prediction_is_supervised_and_the_total_is_the_weighted_sum():
    torch.manual_seed(0)
    settings = InverseConfig(width=8, template_level=2, texture_size=16)
    network = InverseGraphics(InverseGraphicsShape(32, 8, 2, 16))
    renderer = Renderer(network.template, 32, sigmainv=settings.sigmainv, boxlen=0.1, knum=60)
    masks = torch.zeros(4, 32, 32)
    masks[:, 8:24, 4:28] = 1
    images = torch.rand(4, 3, 32, 32)
    cameras = torch.tensor([[40.0, 10, 5, 0, 0]]).repeat(4, 1).requires_grad_()
    prediction = network(images, masks[:, None])
    for value in prediction[:4]:
        value.retain_grad()
    loss = MultiviewLoss(renderer, pooled, settings)
    objects = torch.tensor([0, 0, 1, 1])
    views = Views(images, masks, images, masks, cameras, objects)
    terms = loss.terms(views, prediction, perceptual=True)
    total = loss.total(terms)
    assert torch.isfinite(total)
    by_hand = (
        20 * terms["color"] + 0.5 * terms["perceptual"] + 10 * terms["iou"] + 5 * terms["flatten"]
        + 5 * terms["laplacian"] + 2.5 * terms["movement"] + terms["camera"] + terms["distance"]
    )  # fmt: skip
    torch.testing.assert_close(total, by_hand)
    total.backward()
    assert prediction.vertices.grad.abs().sum() > 0
    assert prediction.textures.grad.abs().sum() > 0
    assert (prediction.cameras.grad[:, 1:].abs().sum(0) > 0).all()
    assert (cameras.grad[:, :2].abs().sum(0) > 0).all()


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


def test_perceptual_distance_ignores_the_length_of_features_and_trains_one_side_only():
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


def test_an_unlabelled_elevation_asks_nothing_of_the_camera_head():
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


def test_an_unlabelled_distance_stays_near_the_nominal_one():
    unknown = float("nan")
    assert distance_loss_of([5.0], unknown) == 0
    assert 0 < distance_loss_of([5.5], unknown) < 0.1 * distance_loss_of([5.5], 5.0)
    cameras = torch.tensor([[0.0, 0.0, 5.5, 0.0, 0.0]], requires_grad=True)
    distance_loss(cameras, torch.tensor([unknown])).backward()
    assert cameras.grad.isfinite().all() and cameras.grad[0, 2] > 0


SPHERE = sphere_template(1)


def vertices_of(template, batch=2):
    return torch.from_numpy(template.vertices).double().repeat(batch, 1, 1)


def octahedron():
    vertices = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    faces = [(0, 1, 2), (1, 3, 2), (3, 4, 2), (4, 0, 2), (1, 0, 5), (3, 1, 5), (4, 3, 5), (0, 4, 5)]
    faces = np.array(faces, np.int32)
    uvs, mirror = np.zeros((8, 3, 2), np.float32), np.array([3, 1, 2, 0, 4, 5], np.int32)
    return Template(vertices, faces, uvs, mirror, *edges_of(faces))


def test_laplacian_by_hand():
    found = laplacian(vertices_of(octahedron()), octahedron())
    torch.testing.assert_close(found, -vertices_of(octahedron()))  # neighbours cancel out
    assert abs(laplacian_loss(vertices_of(octahedron()), octahedron()).item() - 1) < 1e-12


def test_laplacian_is_that_of_a_dense_matrix():
    count = len(SPHERE.vertices)
    adjacency = torch.zeros(count, count, dtype=torch.float64)
    first, second = torch.from_numpy(SPHERE.edges).long().unbind(1)
    adjacency[first, second] = adjacency[second, first] = 1
    vertices = torch.rand(3, count, 3, dtype=torch.float64)
    wanted = adjacency @ vertices / adjacency.sum(1, keepdim=True) - vertices
    torch.testing.assert_close(laplacian(vertices, SPHERE), wanted)


def test_flatten_by_hand():
    # Neighbouring normals of an octahedron meet at cos = 1/3.
    found = flatten_loss(vertices_of(octahedron()), octahedron()).item()
    assert abs(found - (1 - 1 / 3) ** 2) < 1e-9


def test_a_finer_sphere_is_flatter_and_a_spike_is_not():
    finer = sphere_template(3)
    assert flatten_loss(vertices_of(finer), finer) < flatten_loss(vertices_of(SPHERE), SPHERE)
    spiked = vertices_of(SPHERE)
    spiked[:, 0] *= 2
    assert flatten_loss(spiked, SPHERE) > flatten_loss(vertices_of(SPHERE), SPHERE)
    assert laplacian_loss(spiked, SPHERE) > laplacian_loss(vertices_of(SPHERE), SPHERE)


def test_moving_or_turning_the_object_costs_nothing():
    vertices = vertices_of(SPHERE) * torch.tensor([0.5, 1.0, 2.0])
    turned = vertices[..., [1, 2, 0]] + torch.tensor([1.0, -2.0, 3.0])
    for loss in (laplacian_loss, flatten_loss):
        torch.testing.assert_close(loss(turned, SPHERE), loss(vertices, SPHERE))


def test_movement_is_small_and_uniform():
    offsets = torch.full((2, 5, 3), 0.1, dtype=torch.float64)
    assert abs(movement_loss(offsets).item() - 0.03) < 1e-12
    uneven = offsets * torch.tensor([0.0, 2, 0, 2, 1], dtype=torch.float64)[None, :, None]
    assert movement_loss(uneven) > movement_loss(offsets)
    assert movement_loss(torch.zeros(2, 5, 3)) == 0


def test_gradients():
    vertices = (vertices_of(octahedron(), 1) * torch.tensor([1.0, 0.7, 1.3])).requires_grad_()
    for loss in (laplacian_loss, flatten_loss):
        assert gradcheck(lambda given, loss=loss: loss(given, octahedron()), (vertices,))
    assert gradcheck(movement_loss, (vertices,))


def test_a_collapsed_mesh_has_finite_gradients():
    vertices = torch.zeros(1, 6, 3, requires_grad=True)
    (flatten_loss(vertices, octahedron()) + laplacian_loss(vertices, octahedron())).backward()
    assert torch.isfinite(vertices.grad).all()


def test_what_is_unlabelled_of_a_camera_pulls_nothing():
    cameras = torch.full((3, 5), torch.nan)
    cameras[0, 0], cameras[1, 1] = 40.0, 12.0  # the third is labelled in nothing
    logits = torch.randn(3, 24, generator=torch.Generator().manual_seed(0)).requires_grad_()
    predicted = torch.zeros(3, 5).requires_grad_()
    loss = camera_loss(logits, predicted, cameras)
    loss.backward()
    entropy = -(azimuth_targets(torch.tensor([40.0])) * logits[0].log_softmax(-1)).sum()
    torch.testing.assert_close(loss, (entropy + 1.2) / 3)
    assert logits.grad[0].abs().max() > 0 and logits.grad[1:].abs().max() == 0
    assert predicted.grad[1, 1] != 0 and predicted.grad[[0, 2]].abs().max() == 0
