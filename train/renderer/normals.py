"""Normals of a mesh's faces and vertices, differentiable, sparse over faces.

Vertices are gathered as rows of all coordinates of the whole batch, [V, 3, B]: several times
faster than [B, V, 3], whose rows are three numbers.
"""

import torch
from torch import Tensor

TINY_AREA = 1e-20
"""Added to squared face areas (a level-3 sphere's are near 1e-5), so that no normal is nan."""


def face_normal_rows(
    vertices: Tensor,  # [B, V, 3]
    faces: Tensor,  # int64 [F, 3], counter-clockwise from outside
) -> Tensor:
    """Unit normals as rows [F, 3, B], outwards; about 0 for a face without area."""
    return _unit(_areas(_rows(vertices), faces))


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals [B, V, 3], outwards: the mean of the faces around, weighted by their areas."""
    rows = _rows(vertices)
    areas, sums = _areas(rows, faces), torch.zeros_like(rows)
    for corner in faces.unbind(1):
        sums = sums.index_add(0, corner, areas)
    return _unit(sums).permute(2, 0, 1)


def _rows(vertices: Tensor) -> Tensor:
    return vertices.permute(1, 2, 0).contiguous()  # [V, 3, B]


def _areas(rows: Tensor, faces: Tensor) -> Tensor:
    """Normals as long as twice the area, [F, 3, B]."""
    a, b, c = (rows.index_select(0, corner) for corner in faces.unbind(1))
    ux, uy, uz = (b - a).unbind(1)  # each [F, B]
    wx, wy, wz = (c - a).unbind(1)
    return torch.stack([uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx], dim=1)


def _unit(normals: Tensor) -> Tensor:
    return normals * (normals.square().sum(1, keepdim=True) + TINY_AREA).rsqrt()
