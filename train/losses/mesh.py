"""Priors on the shape (eq. 1 of the paper): L_lap, L_sm and L_mov, sparse over edges.

Vertices are gathered as rows of all coordinates of the whole batch, [V, 3, B]: several times
faster than [B, V, 3], whose rows are three numbers.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphics.mesh import Template

TINY_AREA = 1e-20
"""Added to squared face areas (a level-3 sphere's are near 1e-5), so that no normal is nan."""


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


def face_normals(vertices: Tensor, template: Template) -> Tensor:
    """Unit normals [B, F, 3]; about 0 for a face without area."""
    return _normal_rows(vertices, template).permute(2, 0, 1)


def flatten_loss(vertices: Tensor, template: Template) -> Tensor:
    """L_sm = mean_e (1 - cos theta_e)^2 of vertices [B, V, 3], theta the angle between the normals
    of the two faces at an edge: 0 where they are flat (Liu et al. 2019, Soft Rasterizer)."""
    normals = _normal_rows(vertices, template)
    first, second = _indices(template.edge_faces, vertices.device)
    cosines = (normals.index_select(0, first) * normals.index_select(0, second)).sum(1)  # [E, B]
    return (1 - cosines).square().mean()


def movement_loss(offsets: Tensor) -> Tensor:
    """L_mov = mean_v |o_v|^2 + mean_v |o_v - mean o|^2 of offsets [B, V, 3]: small and uniform."""
    spread = offsets - offsets.mean(dim=1, keepdim=True)
    return offsets.square().sum(-1).mean() + spread.square().sum(-1).mean()


def _normal_rows(vertices: Tensor, template: Template) -> Tensor:
    """Unit normals [F, 3, B]."""
    rows = vertices.permute(1, 2, 0).contiguous()  # [V, 3, B]
    a, b, c = (rows.index_select(0, corner) for corner in _indices(template.faces, rows.device))
    ux, uy, uz = (b - a).unbind(1)  # each [F, B]
    wx, wy, wz = (c - a).unbind(1)
    normals = torch.stack([uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx], dim=1)
    return normals * (normals.square().sum(1, keepdim=True) + TINY_AREA).rsqrt()


def _indices(columns: NDArray[np.int32], device: torch.device) -> tuple[Tensor, ...]:
    """Each column of an index table [N, C] as an int64 tensor [N]."""
    return torch.from_numpy(columns).to(device).long().unbind(1)
