"""DIB-R as one would write it in torch: kernels choose faces, autograd does everything else.

Which face a pixel sees comes from the numba kernel, without gradient. Barycentric weights, features
and distances are torch's, over the covered pixels and over all (pixel, face) pairs that the soft
mask asks for, and so is the gradient.
"""

import torch
from torch import Tensor

from train.renderer import numba_backend
from train.renderer.inputs import Faces, Plane
from train.renderer.reference import NO_FOOT, first_index


def rasterize(
    size: int, z: Tensor, corners: Tensor, features: Tensor, valid: Tensor
) -> tuple[Tensor, Tensor]:
    """Features [B, R, R, D] and index [B, R, R] of the closest faces."""
    with torch.no_grad():
        _, seen = numba_backend.rasterize(
            Faces(corners, features, z, valid), Plane(size, size, 1e-14)
        )
    image, row, column = torch.nonzero(seen >= 0, as_tuple=True)
    face = seen[image, row, column]
    pixels = _centres(row, column, size)
    a, b, c = (corners[image, face] - pixels[:, None]).unbind(1)
    areas = torch.stack([_cross(b, c), _cross(c, a), _cross(a, b)], dim=-1)
    weights = areas / areas.sum(-1, keepdim=True)
    drawn = (weights[..., None] * features[image, face]).sum(1)
    out = drawn.new_zeros((*seen.shape, features.shape[3]))
    return out.index_put((image, row, column), drawn), seen


def soft_mask(corners: Tensor, seen: Tensor, sigmainv: float, boxlen: float, knum: int) -> Tensor:
    """Soft silhouettes [B, R, R]."""
    size = seen.shape[1]
    with torch.no_grad():
        image, face, row, column = _pairs(corners, seen, boxlen, knum)
    squared = _squared_distance(corners[image, face] - _centres(row, column, size)[:, None])
    chances = torch.exp(-sigmainv * squared)
    place = (image * size + row) * size + column
    missed = torch.ones(seen.numel(), dtype=corners.dtype).scatter_reduce(
        0, place, 1 - chances, "prod"
    )
    return torch.where(seen >= 0, 1.0, 1 - missed.view(seen.shape))


def _centres(row: Tensor, column: Tensor, size: int) -> Tensor:
    return torch.stack([2 * column + 1 - size, size - 2 * row - 1], dim=-1) / size


def _cross(first: Tensor, second: Tensor) -> Tensor:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _pairs(corners: Tensor, seen: Tensor, boxlen: float, knum: int) -> tuple[Tensor, ...]:
    """Image, face, row and column of every pixel's first knum candidates."""
    size, faces = seen.shape[1], corners.shape[1]
    low, high = corners.amin(2).flatten(0, 1) - boxlen, corners.amax(2).flatten(0, 1) + boxlen
    first_column = torch.ceil((low[:, 0] * size + size - 1) / 2).clamp(0, size).long()
    end_column = torch.ceil((high[:, 0] * size + size - 1) / 2).clamp(0, size).long()
    first_row = (torch.floor((size - 1 - high[:, 1] * size) / 2) + 1).clamp(0, size).long()
    end_row = (torch.floor((size - 1 - low[:, 1] * size) / 2) + 1).clamp(0, size).long()
    across, down = (end_column - first_column).clamp_min(0), (end_row - first_row).clamp_min(0)
    counts = across * down
    owner = torch.repeat_interleave(counts)  # one entry per pair, faces in index order
    inside = torch.arange(len(owner)) - (counts.cumsum(0) - counts)[owner]
    row = first_row[owner] + inside // across[owner]
    column = first_column[owner] + inside % across[owner]
    image, face = owner // faces, owner % faces
    is_open = seen[image, row, column] < 0
    image, face, row, column = (part[is_open] for part in (image, face, row, column))
    place, order = ((image * size + row) * size + column).sort(stable=True)
    count = torch.bincount(place, minlength=seen.numel())
    rank = torch.arange(len(place)) - (count.cumsum(0) - count)[place]
    kept = order[rank < knum]
    return image[kept], face[kept], row[kept], column[kept]


def _squared_distance(starts: Tensor) -> Tensor:
    """From pixels at the origin to the outlines of faces [N, 3, 2]."""
    along = starts.roll(-1, 1) - starts
    length, foot = along.square().sum(-1), -(starts * along).sum(-1)
    on_segment = (foot >= 0) & (foot <= length) & (length > 1e-13)
    to_edges = _cross(starts, along).square() / torch.where(on_segment, length, 1.0)
    to_edges = torch.where(on_segment, to_edges, NO_FOOT)
    distances = torch.cat([to_edges, starts.square().sum(-1)], dim=-1)
    nearest = first_index(distances.detach() == distances.detach().amin(-1, keepdim=True))
    return distances.gather(-1, nearest[..., None]).squeeze(-1)
