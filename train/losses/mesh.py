"""Priors on the shape (eq. 1 of the paper): L_lap, L_sm and L_mov, sparse over edges."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from graphics.mesh import Template


class Topology(NamedTuple):
    """The template's connections as tensors, made once by `topology_of`."""

    edges: Tensor
    """int64 [E, 2] vertex indices."""
    degrees: Tensor
    """float32 [V, 1] how many neighbours each vertex has."""
    faces: Tensor
    """int64 [F, 3] vertex indices."""
    edge_faces: Tensor
    """int64 [E, 2] the two faces that meet at each edge."""


def topology_of(template: Template, device: torch.device | str = "cpu") -> Topology:
    """The template's connections on a device."""
    edges = torch.from_numpy(template.edges).long()
    degrees = torch.bincount(edges.flatten(), minlength=len(template.vertices))
    return Topology(
        edges.to(device),
        degrees[:, None].float().to(device),
        torch.from_numpy(template.faces).long().to(device),
        torch.from_numpy(template.edge_faces).long().to(device),
    )


def laplacian(vertices: Tensor, topology: Topology) -> Tensor:
    """Mean of the neighbours minus the vertex itself, [B, V, 3] (uniform weights)."""
    starts, ends = topology.edges.unbind(1)
    sums = torch.zeros_like(vertices)
    sums = sums.index_add(1, starts, vertices.index_select(1, ends))
    sums = sums.index_add(1, ends, vertices.index_select(1, starts))
    return sums / topology.degrees.to(vertices.dtype) - vertices


def laplacian_loss(vertices: Tensor, topology: Topology) -> Tensor:
    """L_lap = mean_v |laplacian_v|^2 of vertices [B, V, 3], or of offsets to keep the template's
    own curvature free of charge."""
    return laplacian(vertices, topology).square().sum(-1).mean()


def face_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals [B, F, 3] of faces [F, 3]; 0 for a face without area."""
    a, b, c = (vertices.index_select(1, faces[:, corner]) for corner in range(3))
    return functional.normalize(torch.linalg.cross(b - a, c - a), dim=-1, eps=1e-12)


def flatten_loss(vertices: Tensor, topology: Topology) -> Tensor:
    """L_sm = mean_e (1 - cos theta_e)^2 of vertices [B, V, 3], theta the angle between the normals
    of the two faces at an edge: 0 where they are flat (Liu et al. 2019, Soft Rasterizer)."""
    normals = face_normals(vertices, topology.faces)
    first, second = topology.edge_faces.unbind(1)
    cosines = (normals.index_select(1, first) * normals.index_select(1, second)).sum(-1)
    return (1 - cosines).square().mean()


def movement_loss(offsets: Tensor) -> Tensor:
    """L_mov = mean_v |o_v|^2 + mean_v |o_v - mean o|^2 of offsets [B, V, 3]: small and uniform."""
    spread = offsets - offsets.mean(dim=1, keepdim=True)
    return offsets.square().sum(-1).mean() + spread.square().sum(-1).mean()
