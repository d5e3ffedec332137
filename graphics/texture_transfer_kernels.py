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
    faces: NDArray[np.int32],  # [F, 3]
    per_vertex: Array,  # [V, 8]: image place, position and outward direction in camera space
    depths: Array,  # [D, D] z of the nearest surface less the tolerance
    least_cosine: float,
    full_cosine: float,
    uvs: Array,  # [Ht, Wt, 2], out: where each texel lies in the photograph
    weights: Array,  # [Ht, Wt], out, starts at 0: how well it is seen there
) -> None:
    """Project every texel; those turned away, off the image or behind another part stay at 0."""
    size = depths.shape[0]
    found = np.empty(8)
    for r in range(texel_faces.shape[0]):
        for c in range(texel_faces.shape[1]):
            face = texel_faces[r, c]
            if face < 0:
                continue
            for feature in range(8):
                found[feature] = 0.0
                for corner in range(3):
                    value = per_vertex[faces[face, corner], feature]
                    found[feature] += texel_weights[r, c, corner] * value
            x, y = found[0], found[1]
            if not (abs(x) < 1 and abs(y) < 1):
                continue
            towards, position, direction = 0.0, 0.0, 0.0
            for axis in range(3):
                towards -= found[2 + axis] * found[5 + axis]
                position += found[2 + axis] ** 2
                direction += found[5 + axis] ** 2
            lengths = math.sqrt(position * direction)
            if towards <= least_cosine * lengths:
                continue
            column, row = int((x + 1) * size / 2), int((1 - y) * size / 2)
            if found[4] < depths[min(row, size - 1), min(column, size - 1)]:
                continue
            uvs[r, c, 0], uvs[r, c, 1] = (x + 1) / 2, (y + 1) / 2
            weights[r, c] = ramp(towards / lengths, least_cosine, full_cosine)


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
