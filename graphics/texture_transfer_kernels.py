"""Compiled loops of graphics.texture_transfer: texel by texel, one thread, GIL released."""

import numpy as np
from numpy.typing import NDArray

from graphics.rasterize_kernels import Array, compiled


@compiled
def ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, smooth between."""
    share = min(max((value - low) / (high - low), 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


@compiled
def _between(place: float, size: int) -> tuple[int, int, float]:
    """Two neighbouring pixels, and how far from the first to the second a place in 0..1 lies."""
    pixel = min(max(place * size - 0.5, 0.0), size - 1.0)
    first = int(pixel)
    return first, min(first + 1, size - 1), pixel - first


@compiled
def seen_texels(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    texel_faces: NDArray[np.int32],  # [Ht, Wt], -1: no face
    texel_weights: Array,  # [Ht, Wt, 3] of the face's corners
    corners: Array,  # [F, 3, 2] on the image plane
    corners_z: Array,  # [F, 3] in camera space
    cosines: Array,  # [F, 3] of the angle between surface and view, at the corners
    depths: Array,  # [D, D] z of the nearest surface less the tolerance
    photograph: NDArray,  # [H, H, 3]
    mask: Array,  # [R, R]
    cosine_limits: tuple[float, float],  # seen too much from the side, seen well enough
    mask_limits: tuple[float, float],  # background, surely object
    colours: Array,  # [Ht, Wt, 3], out: what the photograph shows, in its own units
    weights: Array,  # [Ht, Wt], out, starts at 0: how well each texel is seen
) -> None:
    """Look every texel up in the photograph; what is turned away, off the image, behind another
    part or outside the mask stays at weight 0."""
    size = depths.shape[0]
    for r in range(texel_faces.shape[0]):
        for c in range(texel_faces.shape[1]):
            face = texel_faces[r, c]
            if face < 0:
                continue
            wa, wb, wc = texel_weights[r, c, 0], texel_weights[r, c, 1], texel_weights[r, c, 2]
            cosine = wa * cosines[face, 0] + wb * cosines[face, 1] + wc * cosines[face, 2]
            if not cosine > cosine_limits[0]:  # written so that nan is not seen
                continue
            x = wa * corners[face, 0, 0] + wb * corners[face, 1, 0] + wc * corners[face, 2, 0]
            y = wa * corners[face, 0, 1] + wb * corners[face, 1, 1] + wc * corners[face, 2, 1]
            if not (abs(x) < 1 and abs(y) < 1):
                continue
            across, down = 0.5 * (x + 1), 0.5 * (1 - y)
            z = wa * corners_z[face, 0] + wb * corners_z[face, 1] + wc * corners_z[face, 2]
            if z < depths[min(int(down * size), size - 1), min(int(across * size), size - 1)]:
                continue
            left, right, rightward = _between(across, mask.shape[1])
            top, bottom, downward = _between(down, mask.shape[0])
            upper = (1 - rightward) * mask[top, left] + rightward * mask[top, right]
            lower = (1 - rightward) * mask[bottom, left] + rightward * mask[bottom, right]
            inside = (1 - downward) * upper + downward * lower
            if not inside > mask_limits[0]:
                continue
            weights[r, c] = ramp(cosine, cosine_limits[0], cosine_limits[1]) * ramp(
                inside, mask_limits[0], mask_limits[1]
            )
            left, right, rightward = _between(across, photograph.shape[1])
            top, bottom, downward = _between(down, photograph.shape[0])
            for k in range(3):
                upper = (1 - rightward) * photograph[top, left, k]
                upper += rightward * photograph[top, right, k]
                lower = (1 - rightward) * photograph[bottom, left, k]
                lower += rightward * photograph[bottom, right, k]
                colours[r, c, k] = (1 - downward) * upper + downward * lower


@compiled
def blend(
    colours: Array,  # [Ht, Wt, 3], 0..scale
    weights: Array,  # [Ht, Wt] in 0..1
    texture: Array,  # [Ht, Wt, 3], cut to 0..1
    scale: float,
    rounding: float,  # added to the result: 0.5 where `painted` holds whole numbers
    painted: NDArray,  # [Ht, Wt, 3], out, 0..scale
) -> None:
    """Paint the texels that are seen, and where they are not those whose mirror image is."""
    height, width = weights.shape
    # Numbers of the arrays' own kind: Python's would make the arithmetic double.
    none, one = weights.dtype.type(0), weights.dtype.type(1)
    scale, rounding = weights.dtype.type(scale), weights.dtype.type(rounding)
    for r in range(height):
        for c in range(width):
            other = width - 1 - c
            own = weights[r, c]
            mirrored = weights[r, other] * (one - own)
            rest = one - own - mirrored
            for k in range(3):
                found = rest * scale * min(max(texture[r, c, k], none), one)
                found += own * colours[r, c, k] + mirrored * colours[r, other, k]
                painted[r, c, k] = found + rounding
