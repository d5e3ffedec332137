"""The rasteriser in plain torch and float64: slow, dense over pixels x faces, to be read.

It is what every other backend is tested against, values and gradients; gradients are autograd's.
"""

import torch
from torch import Tensor

from train.renderer.inputs import Faces, MaskSettings, Plane

NO_FOOT = 4.0  # kaolin's squared distance of an edge whose foot is off the segment

LENGTH_EPSILON = 1e-13  # kaolin's 1e-7 at multiplier 1000: shorter squared lengths have no foot


def unavailable() -> str:
    """Why this backend cannot run here: never."""
    return ""


def pixel_centres(height: int, width: int, device: torch.device) -> Tensor:
    """Image-plane x and y of every pixel, float64 [H * W, 2]; row 0 is the top, y points up."""
    x = (2 * torch.arange(width, dtype=torch.float64, device=device) + 1 - width) / width
    y = (height - 2 * torch.arange(height, dtype=torch.float64, device=device) - 1) / height
    return torch.cartesian_prod(y, x).flip(-1)


def rasterize(faces: Faces, plane: Plane) -> tuple[Tensor, Tensor]:
    """See train.renderer.inputs."""
    height, width, area_epsilon = plane
    corners, features, z = (part.double() for part in faces[:3])
    pixels = pixel_centres(height, width, corners.device)  # [P, 2]
    with torch.no_grad():
        weights = barycentric(corners[:, None], pixels[None, :, None], area_epsilon)  # [B, P, F, 3]
        depth = (weights * z[:, None]).sum(-1)  # [B, P, F]
        hit = (weights >= 0).all(-1) & in_box(corners, pixels, 0.0) & faces.valid[:, None]
        depth = torch.where(hit, depth, -torch.inf)
        closest = first_index(hit & (depth == depth.amax(-1, keepdim=True)))  # [B, P]
    image = torch.arange(len(corners), device=corners.device)[:, None]
    face = closest.clamp_min(0)
    seen = barycentric(corners[image, face], pixels, area_epsilon)  # [B, P, 3]
    mixed = (seen[..., None] * features[image, face]).sum(-2)  # [B, P, D]
    mixed = torch.where((closest >= 0)[..., None], mixed, 0.0).to(faces.features.dtype)
    shape = (len(corners), height, width)
    return mixed.view(*shape, -1), closest.view(shape)


def soft_mask(corners: Tensor, face_idx: Tensor, settings: MaskSettings) -> Tensor:
    """See train.renderer.inputs; in float64 a multiplier changes nothing."""
    sigmainv, boxlen, knum, _ = settings
    dtype, corners = corners.dtype, corners.double()
    height, width = face_idx.shape[1:]
    pixels = pixel_centres(height, width, corners.device)  # [P, 2]
    reached = in_box(corners, pixels, boxlen)  # [B, P, F]
    candidates = reached & (reached.cumsum(-1) <= knum)
    squared = squared_distance(corners[:, None], pixels[None, :, None])  # [B, P, F]
    chances = torch.where(candidates, torch.exp(-sigmainv * squared), 0.0)
    mask = 1 - (1 - chances).prod(-1)
    covered = face_idx.flatten(1) >= 0
    return torch.where(covered, 1.0, mask).view(face_idx.shape).to(dtype)


def barycentric(
    corners: Tensor,  # [..., 3, 2]
    pixels: Tensor,  # [..., 2]
    area_epsilon: float,
) -> Tensor:
    """Affine weights of the three corners, [..., 3]: areas opposite to them over their sum."""
    a, b, c = (corners - pixels[..., None, :]).unbind(-2)
    areas = torch.stack([_cross(b, c), _cross(c, a), _cross(a, b)], dim=-1)
    total = areas.sum(-1, keepdim=True)
    epsilon = torch.full_like(total, area_epsilon).copysign(total.detach())
    return areas / (total + epsilon)


def in_box(corners: Tensor, pixels: Tensor, margin: float) -> Tensor:
    """Whether each pixel is in each face's half-open box grown by a margin, [B, P, F]."""
    low = (corners.detach().amin(-2) - margin)[:, None]  # [B, 1, F, 2]
    high = (corners.detach().amax(-2) + margin)[:, None]
    points = pixels[None, :, None]
    return ((points >= low) & (points < high)).all(-1)


def squared_distance(corners: Tensor, pixels: Tensor) -> Tensor:
    """To the nearest of a face's edges, then corners; the first strict minimum wins, [...]."""
    starts = corners - pixels[..., None, :]  # [..., 3, 2], as seen from the pixel
    along = starts.roll(-1, -2) - starts
    length = along.square().sum(-1)  # [..., 3]
    foot = -(starts * along).sum(-1)
    on_segment = (foot >= 0) & (foot <= length) & (length > LENGTH_EPSILON)
    to_edges = _cross(starts, along).square() / torch.where(on_segment, length, 1.0)
    to_edges = torch.where(on_segment, to_edges, NO_FOOT)
    distances = torch.cat([to_edges, starts.square().sum(-1)], dim=-1)  # [..., 6]
    nearest = first_index(distances.detach() == distances.detach().amin(-1, keepdim=True))
    return distances.gather(-1, nearest[..., None]).squeeze(-1)


def first_index(flags: Tensor) -> Tensor:
    """Index of the first true along the last axis, -1 where there is none."""
    count = flags.shape[-1]
    order = torch.arange(count, device=flags.device)
    first = torch.where(flags, order, count).amin(-1)
    return torch.where(first < count, first, -1)


def _cross(first: Tensor, second: Tensor) -> Tensor:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
