"""Compiled loops of graphics.texture_transfer: texel by texel, one thread, GIL released."""

import math

import numpy as np
from numpy.typing import NDArray

from graphics.rasterize_kernels import Array, compiled


@compiled
def ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, smooth between."""
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


@compiled
def seen_texels(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    texel_faces: NDArray[np.int32],  # [Ht, Wt], -1: no face
    texel_weights: Array,  # [Ht, Wt, 3] of the face's corners
    features: Array,  # [F, 3, 8]: corners' image place, position and normal in camera space
    depths: Array,  # [D, D] z of the nearest surface less the tolerance
    least_cosine: float,
    full_cosine: float,
    uvs: Array,  # [Ht, Wt, 2], out: where each texel lies in the photograph
    weights: Array,  # [Ht, Wt], out, starts at 0: how well it is seen there
) -> None:
    """Project every texel; those turned away, off the image or behind another part stay at 0."""
    size = depths.shape[0]
    found = np.empty(8, features.dtype)
    for r in range(texel_faces.shape[0]):
        for c in range(texel_faces.shape[1]):
            face = texel_faces[r, c]
            if face < 0:
                continue
            first, second, third = (
                texel_weights[r, c, 0],
                texel_weights[r, c, 1],
                texel_weights[r, c, 2],
            )
            for k in range(8):
                found[k] = (
                    first * features[face, 0, k]
                    + second * features[face, 1, k]
                    + third * features[face, 2, k]
                )
            towards = -(found[2] * found[5] + found[3] * found[6] + found[4] * found[7])
            if towards <= 0:
                continue
            x, y = found[0], found[1]
            if not (abs(x) < 1 and abs(y) < 1):
                continue
            position = found[2] ** 2 + found[3] ** 2 + found[4] ** 2
            cosine = towards / math.sqrt(position * (found[5] ** 2 + found[6] ** 2 + found[7] ** 2))
            if cosine <= least_cosine:
                continue
            column, row = int((x + 1) * size / 2), int((1 - y) * size / 2)
            if found[4] < depths[min(row, size - 1), min(column, size - 1)]:
                continue
            uvs[r, c, 0], uvs[r, c, 1] = (x + 1) / 2, (y + 1) / 2
            weights[r, c] = ramp(cosine, least_cosine, full_cosine)


@compiled
def blend(
    colours: Array,  # [3, Ht, Wt] of the photograph
    inside: Array,  # [Ht, Wt]: the mask there
    weights: Array,  # [Ht, Wt]
    least_mask: float,
    full_mask: float,
    texture: Array,  # [Ht, Wt, 3], in and out
) -> None:
    """Paint the texels that are seen, and where they are not those whose mirror image is."""
    height, width = weights.shape
    for r in range(height):
        for c in range(width):
            weights[r, c] *= ramp(inside[r, c], least_mask, full_mask)
    for r in range(height):
        for c in range(width):
            other = width - 1 - c
            own = weights[r, c]
            mirrored = weights[r, other] * (1 - own)
            for channel in range(3):
                texture[r, c, channel] = (
                    own * colours[channel, r, c]
                    + mirrored * colours[channel, r, other]
                    + (1 - own - mirrored) * texture[r, c, channel]
                )
