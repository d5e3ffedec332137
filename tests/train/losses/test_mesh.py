import numpy as np
import torch
from torch.autograd import gradcheck

from graphics.mesh import Template, edges_of, sphere_template
from train.losses.mesh import (
    flatten_loss,
    laplacian,
    laplacian_loss,
    movement_loss,
)

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
