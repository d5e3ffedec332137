"""Compiled loops of graphics.texture: only covered pixels cost anything."""

import math

import numpy as np
from numpy.typing import NDArray

from graphics.rasterize_kernels import Array, compiled


@compiled
def texels_around(
    u: float, v: float, height: int, width: int
) -> tuple[int, int, int, int, float, float, bool]:
    """Rows and columns of the four texels, the fractions between them, and whether v is inside.

    A v beyond the outermost texel centres is clamped there and has no gradient.
    """
    column = (u - math.floor(u)) * width - 0.5  # -0.5 .. width - 0.5
    row = (1.0 - v) * height - 0.5
    inside = 0 <= row <= height - 1
    row = min(max(row, 0.0), height - 1.0)
    left, top = math.floor(column), math.floor(row)
    across, down = column - left, row - top
    right = left + 1 if left + 1 < width else 0
    left = left if left >= 0 else width - 1
    return top, min(top + 1, height - 1), left, right, across, down, inside


@compiled
def sample_texture(
    textures: Array,  # [B, C, Ht, Wt]
    uvs: Array,  # [B, H, W, 2]
    covered: NDArray[np.bool_],  # [B, H, W]
    colours: Array,  # [B, C, H, W], out, starts at 0
) -> None:
    """Bilinear mean of the four nearest texels."""
    batch, channels, texture_height, texture_width = textures.shape
    for image in range(batch):
        for r in range(covered.shape[1]):
            for c in range(covered.shape[2]):
                u, v = uvs[image, r, c, 0], uvs[image, r, c, 1]
                if not covered[image, r, c] or not math.isfinite(u + v):
                    continue
                top, bottom, left, right, across, down, _ = texels_around(
                    u, v, texture_height, texture_width
                )
                for channel in range(channels):
                    upper = (1.0 - across) * textures[image, channel, top, left]
                    upper += across * textures[image, channel, top, right]
                    lower = (1.0 - across) * textures[image, channel, bottom, left]
                    lower += across * textures[image, channel, bottom, right]
                    colours[image, channel, r, c] = (1.0 - down) * upper + down * lower


@compiled
def sample_texture_backward(
    colours_gradient: Array,  # [B, C, H, W]
    textures: Array,  # [B, C, Ht, Wt]
    uvs: Array,  # [B, H, W, 2]
    covered: NDArray[np.bool_],  # [B, H, W]
    textures_gradient: Array,  # [B, C, Ht, Wt], out, starts at 0
    uvs_gradient: Array,  # [B, H, W, 2], out, starts at 0
) -> None:
    """Pixels add to their four texels; an image belongs to one thread, so no atomics."""
    batch, channels, texture_height, texture_width = textures.shape
    for image in range(batch):
        for r in range(covered.shape[1]):
            for c in range(covered.shape[2]):
                u, v = uvs[image, r, c, 0], uvs[image, r, c, 1]
                if not covered[image, r, c] or not math.isfinite(u + v):
                    continue
                top, bottom, left, right, across, down, inside = texels_around(
                    u, v, texture_height, texture_width
                )
                slope_across, slope_down = 0.0, 0.0
                for channel in range(channels):
                    gradient = colours_gradient[image, channel, r, c]
                    a = textures[image, channel, top, left]
                    b = textures[image, channel, top, right]
                    d = textures[image, channel, bottom, left]
                    e = textures[image, channel, bottom, right]
                    slope_across += gradient * ((1.0 - down) * (b - a) + down * (e - d))
                    slope_down += gradient * ((1.0 - across) * (d - a) + across * (e - b))
                    upper, lower = gradient * (1.0 - down), gradient * down
                    textures_gradient[image, channel, top, left] += upper * (1.0 - across)
                    textures_gradient[image, channel, top, right] += upper * across
                    textures_gradient[image, channel, bottom, left] += lower * (1.0 - across)
                    textures_gradient[image, channel, bottom, right] += lower * across
                uvs_gradient[image, r, c, 0] = slope_across * texture_width
                if inside:
                    uvs_gradient[image, r, c, 1] = -slope_down * texture_height
