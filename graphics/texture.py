"""Texture lookup: bilinear, u wraps around, v stops at the edge.

A texture is `[B, C, Ht, Wt]`, channels first; row 0 is the top, v = 1, and v = 0 is the bottom.
Texel centres lie at u = (column + 0.5) / Wt and v = 1 - (row + 0.5) / Ht.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class TextureGradients(NamedTuple):
    """Gradients of sampled colours."""

    textures: NDArray[np.floating]
    """[B, C, Ht, Wt]"""
    uvs: NDArray[np.floating]
    """[B, H, W, 2]"""


def sample_texture(
    textures: NDArray[np.floating],  # [B, C, Ht, Wt]
    uvs: NDArray[np.floating],  # [B, H, W, 2]
    covered: NDArray[np.bool_],  # [B, H, W]
) -> NDArray[np.floating]:
    """Colour of every covered pixel, `[B, C, H, W]`; 0 elsewhere."""
    from graphics import texture_kernels  # compiles with numba: only when it is needed

    _check(textures, uvs, covered)
    colours = np.zeros((*textures.shape[:2], *uvs.shape[1:3]), textures.dtype)
    texture_kernels.sample_texture(
        np.ascontiguousarray(textures), np.ascontiguousarray(uvs), np.ascontiguousarray(covered),
        colours,
    )  # fmt: skip
    return colours


def sample_texture_backward(
    colours_gradient: NDArray[np.floating],  # [B, C, H, W]
    textures: NDArray[np.floating],  # [B, C, Ht, Wt]
    uvs: NDArray[np.floating],  # [B, H, W, 2]
    covered: NDArray[np.bool_],  # [B, H, W]
) -> TextureGradients:
    """Gradients of `sample_texture` in textures and uvs."""
    from graphics import texture_kernels

    gradients = TextureGradients(np.zeros_like(textures), np.zeros_like(uvs))
    texture_kernels.sample_texture_backward(
        np.ascontiguousarray(colours_gradient), np.ascontiguousarray(textures),
        np.ascontiguousarray(uvs), np.ascontiguousarray(covered), *gradients,
    )  # fmt: skip
    return gradients


def _check(
    textures: NDArray[np.floating], uvs: NDArray[np.floating], covered: NDArray[np.bool_]
) -> None:
    if textures.ndim != 4:
        raise ValueError(f"textures has shape {textures.shape}; it must be [B, C, Ht, Wt]")
    if uvs.ndim != 4 or uvs.shape[0] != len(textures) or uvs.shape[3] != 2:
        raise ValueError(f"uvs has shape {uvs.shape}; it must be [{len(textures)}, H, W, 2]")
    if covered.shape != uvs.shape[:3] or covered.dtype != np.bool_:
        raise ValueError(
            f"covered is {covered.dtype} {covered.shape}; it must be bool {uvs.shape[:3]}"
        )
