"""Differentiable texture lookup: bilinear, u wraps around, v stops at the edge.

Textures are `[B, C, Ht, Wt]`, row 0 the top (v = 1). On the CPU the compiled loops of
graphics.texture; on other devices torch's grid_sample over a texture with a column added at
either side.
"""

import torch
from torch import Tensor
from torch.nn import functional


def sample_texture(
    textures: Tensor,  # [B, C, Ht, Wt]
    uvs: Tensor,  # [B, H, W, 2], v = 0 the bottom
    covered: Tensor,  # bool [B, H, W]
) -> Tensor:
    """Colour of every covered pixel, [B, C, H, W], 0 elsewhere; differentiable in both."""
    if textures.device.type == "cpu":
        from train.renderer import numba_backend

        return numba_backend.SampleTexture.apply(textures, uvs, covered)
    return sample_texture_by_grid(textures, uvs, covered)


def sample_texture_by_grid(textures: Tensor, uvs: Tensor, covered: Tensor) -> Tensor:
    """`sample_texture` in plain torch: any device, and the twin the compiled one is tested by."""
    width = textures.shape[3]
    padded = functional.pad(textures, (1, 1, 0, 0), mode="circular")
    u = uvs[..., 0] - torch.floor(uvs[..., 0].detach())
    across = 2 * (u * width + 1) / (width + 2) - 1
    grid = torch.stack([across, 1 - 2 * uvs[..., 1]], dim=-1)  # grid_sample's y points down
    colours = functional.grid_sample(
        padded, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return colours * covered[:, None]
