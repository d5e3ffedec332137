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
def pixel_range(centres: Array, low: float, high: float) -> tuple[int, int]:
    """First and one-past-last pixel of ascending centres in the half-open [low, high)."""
    count = centres.shape[0]
    first = math.ceil((min(max(low, -2.0), 2.0) * count + count - 1) * 0.5) - 1
    first = min(max(first, 0), count)
    while first < count and centres[first] < low:
        first += 1
    last = math.ceil((min(max(high, -2.0), 2.0) * count + count - 1) * 0.5) + 1
    last = min(max(last, first), count)
    while last > first and centres[last - 1] >= high:
        last -= 1
    return first, last


@compiled
def pixel_box(corners: Array, x: Array, y: Array, margin: float) -> tuple[int, int, int, int]:
    """Row and column ranges of a face's [3, 2] half-open box grown by a margin; empty if not
    finite."""
    (ax, ay), (bx, by), (cx, cy) = corners[0], corners[1], corners[2]
    if not math.isfinite(ax + ay + bx + by + cx + cy):
        return 0, 0, 0, 0
    x_low, x_high = min(ax, bx, cx) - margin, max(ax, bx, cx) + margin
    y_low, y_high = min(ay, by, cy) - margin, max(ay, by, cy) + margin
    column, column_end = pixel_range(x, x_low, x_high)
    if column == column_end:
        return 0, 0, 0, 0
    height = y.shape[0]
    row, row_end = pixel_range(y[::-1], y_low, y_high)  # rows run down, y runs up
    return height - row_end, height - row, column, column_end


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
                    face, face_vertices_image[image, face], face_vertices_z[image, face],
                    x, y, area_epsilon, depth, face_index[image], weights[image],
                )  # fmt: skip


@compiled
def _draw_face(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    face: int, corners: Array, corners_z: Array, x: Array, y: Array, area_epsilon: float,
    depth: Array, face_index: NDArray[np.int32], weights: Array,
) -> None:  # fmt: skip
    """Draw one face, corners [3, 2] and [3], into one image's buffers."""
    row, row_end, column, column_end = pixel_box(corners, x, y, 0.0)
    za, zb, zc = corners_z[0], corners_z[1], corners_z[2]
    for r in range(row, row_end):
        ay, by, cy = corners[0, 1] - y[r], corners[1, 1] - y[r], corners[2, 1] - y[r]
        for c in range(column, column_end):
            ax, bx, cx = corners[0, 0] - x[c], corners[1, 0] - x[c], corners[2, 0] - x[c]
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
            area += math.copysign(area_epsilon, area)
            wa, wb, wc = wa / area, wb / area, wc / area
            z = wa * za + wb * zb + wc * zc
            if z > depth[r, c]:
                depth[r, c] = z
                face_index[r, c] = face
                weights[r, c, 0], weights[r, c, 1], weights[r, c, 2] = wa, wb, wc


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
                        face_features_gradient[image, face, corner, d] += (
                            gradient * weights[image, r, c, corner]
                        )
                    weights_gradient[corner] = total
                add_weights_gradient(
                    weights_gradient, face_vertices_image[image, face], weights[image, r, c],
                    area_epsilon, vertices_gradient[image, face],
                )  # fmt: skip


@compiled
def add_weights_gradient(
    weights_gradient: Array,  # [3]
    corners: Array,  # [3, 2]
    weights: Array,  # [3]
    area_epsilon: float,
    corners_gradient: Array,  # [3, 2], added to
) -> None:
    """Chain a gradient in the barycentric weights of one pixel to the face's corners.

    Moving corner k by (dx, dy) moves the plane under the pixel: with the weights' own spatial
    gradient, dw_i = -w_k * grad w_i . (dx, dy), the weights at the pixel being affine.
    """
    ax, ay, bx, by, cx, cy = (
        corners[0, 0], corners[0, 1], corners[1, 0], corners[1, 1], corners[2, 0], corners[2, 1]
    )  # fmt: skip
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    area += math.copysign(area_epsilon, area)
    ga, gb, gc = weights_gradient[0], weights_gradient[1], weights_gradient[2]
    slope_x = (ga * (by - cy) + gb * (cy - ay) + gc * (ay - by)) / area
    slope_y = (ga * (cx - bx) + gb * (ax - cx) + gc * (bx - ax)) / area
    for corner in range(3):
        corners_gradient[corner, 0] -= weights[corner] * slope_x
        corners_gradient[corner, 1] -= weights[corner] * slope_y
