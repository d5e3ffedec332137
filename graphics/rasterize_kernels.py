"""Compiled loops of graphics.rasterize: face by face, one thread, GIL released.

Importing this file imports numba (0.3 s); each kernel compiles at its first call per dtype and
is cached on disk. Callers run several batches at once from threads of their own.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
"""`numpy` error model: a division by zero is inf, never an exception."""

Array = NDArray[np.floating]


@compiled
def column_range(width: int, low: float, high: float) -> tuple[int, int]:
    """First and one-past-last column whose centre (2c + 1 - W) / W is in [low, high)."""
    first = math.ceil((low * width + (width - 1)) * 0.5)
    last = math.ceil((high * width + (width - 1)) * 0.5)
    return int(max(first, 0)), int(min(last, width))


@compiled
def row_range(height: int, low: float, high: float) -> tuple[int, int]:
    """First and one-past-last row whose centre (H - 2r - 1) / H is in [low, high)."""
    first = math.floor(((height - 1) - high * height) * 0.5) + 1
    last = math.floor(((height - 1) - low * height) * 0.5) + 1
    return int(max(first, 0)), int(min(last, height))


@compiled
def pixel_box(  # noqa: PLR0913 - plain numbers: slices would be counted references
    xa: float, ya: float, xb: float, yb: float, xc: float, yc: float,
    margin: float, height: int, width: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Rows and columns, each first and one past last, of a face's half-open box grown by a margin.

    Empty off the image and for corners that are not finite.
    """
    left, right = min(xa, xb, xc) - margin, max(xa, xb, xc) + margin
    low, high = min(ya, yb, yc) - margin, max(ya, yb, yc) + margin
    # Written so that nan fails; what passes is finite, or a box reaching beyond the image.
    if not (left < 1 and right > -1 and low < 1 and high > -1):
        return 0, 0, 0, 0
    if not math.isfinite(xa + xb + xc + ya + yb + yc):
        return 0, 0, 0, 0
    column, column_end = column_range(width, max(left, -2.0), min(right, 2.0))
    row, row_end = row_range(height, max(low, -2.0), min(high, 2.0))
    return row, row_end, column, column_end


@compiled
def visible_faces(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    face_vertices_image: Array,  # [B, F, 3, 2]
    face_vertices_z: Array,  # [B, F, 3]
    valid: NDArray[np.bool_],  # [B, F]
    x: Array,  # [W]
    y: Array,  # [H]
    area_epsilon: float,
    face_index: NDArray[np.int32],  # [B, H, W], out, starts at -1
    weights: Array,  # [B, H, W, 3], out, starts at 0
) -> None:
    """Depth-buffered: faces in index order, a strictly closer one replaces what is there."""
    batch, face_count = face_vertices_image.shape[:2]
    depth = np.empty((y.shape[0], x.shape[0]), x.dtype)
    for image in range(batch):
        depth[:] = -np.inf
        for face in range(face_count):
            if valid[image, face]:
                _draw_face(
                    image, face, face_vertices_image, face_vertices_z, x, y, area_epsilon,
                    depth, face_index, weights,
                )  # fmt: skip


@compiled
def _draw_face(  # noqa: PLR0913 - whole arrays and indices: slices would be counted references
    image: int, face: int, face_vertices_image: Array, face_vertices_z: Array,
    x: Array, y: Array, area_epsilon: float,
    depth: Array, face_index: NDArray[np.int32], weights: Array,
) -> None:  # fmt: skip
    """Draw one face into its image's buffers."""
    xa, ya = face_vertices_image[image, face, 0, 0], face_vertices_image[image, face, 0, 1]
    xb, yb = face_vertices_image[image, face, 1, 0], face_vertices_image[image, face, 1, 1]
    xc, yc = face_vertices_image[image, face, 2, 0], face_vertices_image[image, face, 2, 1]
    row, row_end, column, column_end = pixel_box(
        xa, ya, xb, yb, xc, yc, 0.0, y.shape[0], x.shape[0]
    )
    if row >= row_end or column >= column_end:
        return
    za, zb, zc = (
        face_vertices_z[image, face, 0], face_vertices_z[image, face, 1],
        face_vertices_z[image, face, 2],
    )  # fmt: skip
    one = x.dtype.type(1)  # an integer 1 would make float32 arithmetic float64, and break ties
    for r in range(row, row_end):
        ay, by, cy = ya - y[r], yb - y[r], yc - y[r]
        for c in range(column, column_end):
            ax, bx, cx = xa - x[c], xb - x[c], xc - x[c]
            wa = bx * cy - by * cx
            wb = cx * ay - cy * ax
            wc = ax * by - ay * bx
            area = wa + wb + wc
            # Outside is told by signs alone, so that only covered pixels pay the division.
            if area >= 0:
                if wa < 0 or wb < 0 or wc < 0:
                    continue
            elif wa > 0 or wb > 0 or wc > 0:
                continue
            scale = one / (area + math.copysign(area_epsilon, area))
            z = (wa * za + wb * zb + wc * zc) * scale
            if z > depth[r, c]:
                depth[r, c] = z
                face_index[image, r, c] = face
                weights[image, r, c, 0] = wa * scale
                weights[image, r, c, 1] = wb * scale
                weights[image, r, c, 2] = wc * scale


@compiled
def interpolate(
    face_features: Array,  # [B, F, 3, D]
    face_index: NDArray[np.int32],  # [B, H, W]
    weights: Array,  # [B, H, W, 3]
    features: Array,  # [B, H, W, D], out, starts at 0
) -> None:
    """Weighted sum of the three corners' features, pixel by pixel."""
    batch, height, width = face_index.shape
    for image in range(batch):
        for r in range(height):
            for c in range(width):
                face = face_index[image, r, c]
                if face < 0:
                    continue
                wa, wb, wc = (
                    weights[image, r, c, 0], weights[image, r, c, 1], weights[image, r, c, 2]
                )  # fmt: skip
                for d in range(face_features.shape[3]):
                    features[image, r, c, d] = (
                        wa * face_features[image, face, 0, d]
                        + wb * face_features[image, face, 1, d]
                        + wc * face_features[image, face, 2, d]
                    )


@compiled
def interpolate_backward(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    features_gradient: Array,  # [B, H, W, D]
    face_vertices_image: Array,  # [B, F, 3, 2]
    face_features: Array,  # [B, F, 3, D]
    face_index: NDArray[np.int32],  # [B, H, W]
    weights: Array,  # [B, H, W, 3]
    area_epsilon: float,
    wants_features: bool,
    vertices_gradient: Array,  # [B, F, 3, 2], out, starts at 0
    face_features_gradient: Array,  # [B, F, 3, D], out, starts at 0
) -> None:
    """Pixels add to their face; an image belongs to one thread, so no atomics are needed."""
    batch, height, width = face_index.shape
    weights_gradient = np.zeros(3, face_features.dtype)
    for image in range(batch):
        for r in range(height):
            for c in range(width):
                face = face_index[image, r, c]
                if face < 0:
                    continue
                for corner in range(3):
                    total = face_features.dtype.type(0)
                    for d in range(face_features.shape[3]):
                        gradient = features_gradient[image, r, c, d]
                        total += gradient * face_features[image, face, corner, d]
                        if wants_features:
                            face_features_gradient[image, face, corner, d] += (
                                gradient * weights[image, r, c, corner]
                            )
                    weights_gradient[corner] = total
                add_weights_gradient(
                    image, face, weights_gradient, face_vertices_image,
                    weights[image, r, c, 0], weights[image, r, c, 1], weights[image, r, c, 2],
                    area_epsilon, vertices_gradient,
                )  # fmt: skip


@compiled
def add_weights_gradient(  # noqa: PLR0913 - whole arrays and indices, as above
    image: int, face: int,
    weights_gradient: Array,  # [3]
    face_vertices_image: Array,  # [B, F, 3, 2]
    wa: float, wb: float, wc: float, area_epsilon: float,
    vertices_gradient: Array,  # [B, F, 3, 2], added to
) -> None:  # fmt: skip
    """Chain a gradient in the barycentric weights of one pixel to the corners of its face.

    Weights are affine over the image, so moving corner k by a step moves them at the pixel by
    -w_k times what a step of the pixel would: dw_i / dcorner_k = -w_k * dw_i / dpixel.
    """
    xa, ya = face_vertices_image[image, face, 0, 0], face_vertices_image[image, face, 0, 1]
    xb, yb = face_vertices_image[image, face, 1, 0], face_vertices_image[image, face, 1, 1]
    xc, yc = face_vertices_image[image, face, 2, 0], face_vertices_image[image, face, 2, 1]
    one = face_vertices_image.dtype.type(1)
    area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
    scale = one / (area + math.copysign(area_epsilon, area))
    ga, gb, gc = weights_gradient[0], weights_gradient[1], weights_gradient[2]
    slope_x = (ga * (yb - yc) + gb * (yc - ya) + gc * (ya - yb)) * scale
    slope_y = (ga * (xc - xb) + gb * (xa - xc) + gc * (xb - xa)) * scale
    vertices_gradient[image, face, 0, 0] -= wa * slope_x
    vertices_gradient[image, face, 0, 1] -= wa * slope_y
    vertices_gradient[image, face, 1, 0] -= wb * slope_x
    vertices_gradient[image, face, 1, 1] -= wb * slope_y
    vertices_gradient[image, face, 2, 0] -= wc * slope_x
    vertices_gradient[image, face, 2, 1] -= wc * slope_y
