"""Priors on the shape (eq. 1 of the paper): L_lap, L_sm and L_mov, sparse over edges.

Vertices are gathered as rows [V, 3, B], as in train.renderer.normals.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphics.mesh import Template
from train.renderer.normals import face_normal_rows


def laplacian(vertices: Tensor, template: Template) -> Tensor:
    """Mean of the neighbours minus the vertex itself, [B, V, 3] (uniform weights)."""
    rows = vertices.permute(1, 2, 0).contiguous()  # [V, 3, B]
    starts, ends = _indices(template.edges, vertices.device)
    degrees = torch.bincount(torch.cat([starts, ends]), minlength=len(rows))[:, None, None]
    sums = torch.zeros_like(rows)
    sums = sums.index_add(0, starts, rows.index_select(0, ends))
    sums = sums.index_add(0, ends, rows.index_select(0, starts))
    return (sums / degrees.to(rows.dtype) - rows).permute(2, 0, 1)


def laplacian_loss(vertices: Tensor, template: Template) -> Tensor:
    """L_lap = mean_v |laplacian_v|^2 of vertices [B, V, 3], or of offsets to keep the template's
    own curvature free of charge."""
    return laplacian(vertices, template).square().sum(-1).mean()


def flatten_loss(vertices: Tensor, template: Template) -> Tensor:
    """L_sm = mean_e (1 - cos theta_e)^2 of vertices [B, V, 3] (Liu et al. 2019, Soft Rasterizer).

    theta is the angle between the normals of the two faces at an edge: 0 where they are flat.
    """
    faces = torch.from_numpy(template.faces).to(vertices.device).long()
    normals = face_normal_rows(vertices, faces)
    first, second = _indices(template.edge_faces, vertices.device)
    cosines = (normals.index_select(0, first) * normals.index_select(0, second)).sum(1)  # [E, B]
    return (1 - cosines).square().mean()


def movement_loss(offsets: Tensor) -> Tensor:
    """L_mov = mean_v |o_v|^2 + mean_v |o_v - mean o|^2 of offsets [B, V, 3]: small and uniform."""
    spread = offsets - offsets.mean(dim=1, keepdim=True)
    return offsets.square().sum(-1).mean() + spread.square().sum(-1).mean()


def _indices(columns: NDArray[np.int32], device: torch.device) -> tuple[Tensor, ...]:
    """Each column of an index table [N, C] as an int64 tensor [N]."""
    return torch.from_numpy(columns).to(device).long().unbind(1)
