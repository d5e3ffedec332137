"""Texture lookup (bilinear) and enlargement (bicubic): u wraps around, v stops at the edge.

A texture to be looked up is `[B, C, Ht, Wt]`, channels first; row 0 is the top, v = 1, and v = 0 is
the bottom. Texel centres lie at u = (column + 0.5) / Wt and v = 1 - (row + 0.5) / Ht. Only covered
pixels cost time.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import Array, Number, compiled


class TextureGradients(NamedTuple):
    """Gradients of sampled colours."""

    textures: Array  # [B, C, Ht, Wt]
    uvs: Array  # [B, H, W, 2]


def sample_texture(
    textures: Array,  # [B, C, Ht, Wt]
    uvs: Array,  # [B, H, W, 2]
    covered: NDArray[np.bool_],  # [B, H, W]
) -> Array:
    """Colour of every covered pixel, `[B, C, H, W]`; 0 elsewhere."""
    _check(textures, uvs, covered)
    colours = np.zeros((*textures.shape[:2], *uvs.shape[1:3]), textures.dtype)
    _sample(
        np.ascontiguousarray(textures), np.ascontiguousarray(uvs), np.ascontiguousarray(covered),
        colours,
    )  # fmt: skip
    return colours


def sample_texture_backward(
    colours_gradient: Array,  # [B, C, H, W]
    textures: Array,  # [B, C, Ht, Wt]
    uvs: Array,  # [B, H, W, 2]
    covered: NDArray[np.bool_],  # [B, H, W]
) -> TextureGradients:
    """Gradients of `sample_texture` in textures and uvs."""
    gradients = TextureGradients(np.zeros_like(textures), np.zeros_like(uvs))
    _sample_backward(
        np.ascontiguousarray(colours_gradient), np.ascontiguousarray(textures),
        np.ascontiguousarray(uvs), np.ascontiguousarray(covered), *gradients,
    )  # fmt: skip
    return gradients


def _check(textures: Array, uvs: Array, covered: NDArray[np.bool_]) -> None:
    if textures.ndim != 4:
        raise ValueError(f"textures has shape {textures.shape}; it must be [B, C, Ht, Wt]")
    if uvs.ndim != 4 or uvs.shape[0] != len(textures) or uvs.shape[3] != 2:
        raise ValueError(f"uvs has shape {uvs.shape}; it must be [{len(textures)}, H, W, 2]")
    if covered.shape != uvs.shape[:3] or covered.dtype != np.bool_:
        raise ValueError(
            f"covered is {covered.dtype} {covered.shape}; it must be bool {uvs.shape[:3]}"
        )


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
def bilinear(
    top_left: Number, top_right: Number, bottom_left: Number, bottom_right: Number,
    across: Number, down: Number,
) -> Number:  # fmt: skip
    """Four values mixed by how far, 0..1, a position is from left to right and from the top."""
    upper = (1.0 - across) * top_left + across * top_right
    lower = (1.0 - across) * bottom_left + across * bottom_right
    return (1.0 - down) * upper + down * lower


@compiled
def _sample(
    textures: Array, uvs: Array, covered: NDArray[np.bool_],
    colours: Array,  # [B, C, H, W], out, starts at 0
) -> None:  # fmt: skip
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
                    colours[image, channel, r, c] = bilinear(
                        textures[image, channel, top, left], textures[image, channel, top, right],
                        textures[image, channel, bottom, left],
                        textures[image, channel, bottom, right], across, down,
                    )  # fmt: skip


@compiled
def _sample_backward(
    colours_gradient: Array, textures: Array, uvs: Array, covered: NDArray[np.bool_],
    textures_gradient: Array,  # [B, C, Ht, Wt], out, starts at 0
    uvs_gradient: Array,  # [B, H, W, 2], out, starts at 0
) -> None:  # fmt: skip
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


SHARPNESS = -0.5
"""The free parameter of Keys' bicubic kernel; -0.5 reproduces quadratics (Keys 1981)."""
TAPS = np.arange(-1, 3)
"""Texels that a position is interpolated from, counted from the one before it."""


class Enlargement:
    """Brings textures of one size to another, larger or equal in both directions."""

    def __init__(self, size: tuple[int, int], larger: tuple[int, int]) -> None:
        """(height, width) in texels."""
        if not (0 < size[0] <= larger[0] and 0 < size[1] <= larger[1]):
            raise ValueError(f"from {size} to {larger} texels; the second must not be smaller")
        self.size = size
        rows, self._row_weights = _taps(size[0], larger[0])
        self._rows = np.clip(rows, 0, size[0] - 1)
        columns, self._column_weights = _taps(size[1], larger[1])
        self._columns = columns % size[1]

    def __call__(self, texture: NDArray[np.float32]) -> NDArray[np.float32]:
        """The larger texture [Ht, Wt, 3] of one [h, w, 3]; its colours may overshoot."""
        if texture.shape != (*self.size, 3):
            raise ValueError(f"texture has shape {texture.shape}; it must be {(*self.size, 3)}")
        wide = _mixed(texture.transpose(1, 0, 2), self._columns, self._column_weights)
        return _mixed(wide.transpose(1, 0, 2), self._rows, self._row_weights)


def _taps(size: int, larger: int) -> tuple[NDArray[np.int64], Array]:
    """Which texels [N, 4] each of N larger ones is made of, some beyond the edge; their weights."""
    positions = (np.arange(larger) + 0.5) * size / larger - 0.5
    before = np.floor(positions).astype(np.int64)
    texels = before[:, None] + TAPS
    return texels, _keys(np.abs(positions[:, None] - texels)).astype(np.float32)


def _keys(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel, for distances of 0..2 texels."""
    a, x = SHARPNESS, distances
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, far)


def _mixed(texture: Array, rows: NDArray[np.int64], weights: Array) -> Array:
    """Rows [N, w, 3], each the weighted sum of four `rows` [N, 4] of a texture [h, w, 3]."""
    large = np.empty((len(rows), texture.shape[1] * 3), np.float32)
    flat = np.ascontiguousarray(texture, np.float32).reshape(len(texture), -1)
    _mix_rows(flat, rows, weights, large)
    return large.reshape(len(rows), -1, 3)


@compiled
def _mix_rows(flat: Array, rows: NDArray[np.int64], weights: Array, large: Array) -> None:
    for r in range(large.shape[0]):
        first, second, third, fourth = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        a, b, c, d = weights[r, 0], weights[r, 1], weights[r, 2], weights[r, 3]
        for k in range(large.shape[1]):
            large[r, k] = (
                a * flat[first, k] + b * flat[second, k] + c * flat[third, k] + d * flat[fourth, k]
            )
