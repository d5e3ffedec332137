"""Priors on the shape (eq. 1 of the paper): L_lap, L_sm and L_mov, sparse over edges."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from graphics.mesh import Template


def laplacian(vertices: Tensor, template: Template) -> Tensor:
    """Mean of the neighbours minus the vertex itself, [B, V, 3] (uniform weights)."""
    starts, ends = _indices(template.edges, vertices.device)
    degrees = torch.bincount(torch.cat([starts, ends]), minlength=vertices.shape[1])
    sums = torch.zeros_like(vertices)
    sums = sums.index_add(1, starts, vertices.index_select(1, ends))
    sums = sums.index_add(1, ends, vertices.index_select(1, starts))
    return sums / degrees[:, None].to(vertices.dtype) - vertices


def laplacian_loss(vertices: Tensor, template: Template) -> Tensor:
    """L_lap = mean_v |laplacian_v|^2 of vertices [B, V, 3], or of offsets to keep the template's
    own curvature free of charge."""
    return laplacian(vertices, template).square().sum(-1).mean()


def face_normals(vertices: Tensor, template: Template) -> Tensor:
    """Unit normals [B, F, 3]; 0 for a face without area."""
    a, b, c = (
        vertices.index_select(1, corner) for corner in _indices(template.faces, vertices.device)
    )
    return functional.normalize(torch.linalg.cross(b - a, c - a), dim=-1, eps=1e-12)


def flatten_loss(vertices: Tensor, template: Template) -> Tensor:
    """L_sm = mean_e (1 - cos theta_e)^2 of vertices [B, V, 3], theta the angle between the normals
    of the two faces at an edge: 0 where they are flat (Liu et al. 2019, Soft Rasterizer)."""
    normals = face_normals(vertices, template)
    first, second = _indices(template.edge_faces, vertices.device)
    cosines = (normals.index_select(1, first) * normals.index_select(1, second)).sum(-1)
    return (1 - cosines).square().mean()


def movement_loss(offsets: Tensor) -> Tensor:
    """L_mov = mean_v |o_v|^2 + mean_v |o_v - mean o|^2 of offsets [B, V, 3]: small and uniform."""
    spread = offsets - offsets.mean(dim=1, keepdim=True)
    return offsets.square().sum(-1).mean() + spread.square().sum(-1).mean()


def _indices(columns: NDArray[np.int32], device: torch.device) -> tuple[Tensor, ...]:
    """Each column of an index table [N, C] as an int64 tensor [N]."""
    return torch.from_numpy(columns).to(device).long().unbind(1)
