"""Diffuse light from all around, as nine spherical harmonics (Ramamoorthi and Hanrahan 2001).

A light is nine coefficients in the order of `harmonics`: [B, 9], white, or [B, 9, 3], one set per
colour. A surface gives back albedo times the sum of coefficient times harmonic at its normal.
Normals are the object's own: the light turns with the object, not with the camera.
"""

import math

import torch
from torch import Tensor

LIGHT_SIZE = 9

CONSTANT = 0.5 / math.sqrt(math.pi)
LINEAR = math.sqrt(0.75 / math.pi)
QUADRATIC = math.sqrt(3.75 / math.pi)


def ambient_light(batch: int, device: torch.device | None = None) -> Tensor:
    """Light [B, 9] under which every surface shows its albedo: as if there were no lighting."""
    light = torch.zeros(batch, LIGHT_SIZE, device=device)
    light[:, 0] = 1 / CONSTANT
    return light


def harmonics(normals: Tensor) -> Tensor:
    """Real spherical harmonics [..., 9] of degree 0 to 2 at unit normals [..., 3].

    1; y, z, x; xy, yz, 3 z^2 - 1, xz, x^2 - y^2, each scaled to unit norm over the sphere.
    """
    x, y, z = normals.unbind(-1)
    linear = [LINEAR * y, LINEAR * z, LINEAR * x]
    upright = QUADRATIC / math.sqrt(12) * (3 * z * z - 1)
    across = QUADRATIC / 2 * (x * x - y * y)
    quadratic = [QUADRATIC * x * y, QUADRATIC * y * z, upright, QUADRATIC * x * z, across]
    return torch.stack([torch.full_like(x, CONSTANT), *linear, *quadratic], dim=-1)


def shading(
    normals: Tensor,  # [B, H, W, 3], of any length but 0
    lights: Tensor,  # [B, 9] or [B, 9, 3]
) -> Tensor:
    """Factors of the albedo, [B, 1 or 3, H, W]; below 0 where the coefficients say so."""
    if lights.shape[1:] not in ((LIGHT_SIZE,), (LIGHT_SIZE, 3)) or len(lights) != len(normals):
        raise ValueError(
            f"lights has shape {tuple(lights.shape)}; with {len(normals)} images it must be "
            f"[{len(normals)}, 9] or [{len(normals)}, 9, 3]"
        )
    if lights.ndim == 2:
        lights = lights[..., None]
    directions = torch.nn.functional.normalize(normals, dim=-1)
    return torch.einsum("bhwk,bkc->bchw", harmonics(directions), lights)
