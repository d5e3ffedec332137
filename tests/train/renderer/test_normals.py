import numpy as np
import torch
from torch.autograd import gradcheck

from graphics.mesh import sphere_template
from train.renderer.normals import face_normal_rows, vertex_normals

SPHERE = sphere_template(2)
FACES = torch.from_numpy(SPHERE.faces).long()


def test_by_hand():
    vertices = torch.tensor([[[0.0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 1]]])
    faces = torch.tensor([[0, 1, 2], [0, 3, 1], [0, 0, 1]])
    found = face_normal_rows(vertices, faces)
    assert found[..., 0].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]
    at_the_edge = vertex_normals(vertices, faces)[0, 1]
    # Areas 3 and 1: the larger face counts as much more.
    torch.testing.assert_close(at_the_edge, torch.tensor([0.0, 1.0, 3.0]) / 10**0.5)


def test_a_spheres_are_its_vertices_outwards():
    vertices = torch.from_numpy(SPHERE.vertices)[None] * torch.tensor([[[2.0]], [[0.1]]])
    unit = SPHERE.vertices / np.linalg.norm(SPHERE.vertices, axis=1, keepdims=True)
    for one in vertex_normals(vertices, FACES):
        assert ((one.numpy() * unit).sum(1) > 0.999).all()
    middles = vertices[:, FACES].mean(2)  # [B, F, 3]
    assert ((face_normal_rows(vertices, FACES) * middles.permute(1, 2, 0)).sum(1) > 0).all()


def test_gradcheck():
    vertices = torch.from_numpy(SPHERE.vertices[:12])[None].double() + 0.1
    faces = torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [0, 4, 8]])
    assert gradcheck(lambda given: vertex_normals(given, faces), vertices.requires_grad_())
