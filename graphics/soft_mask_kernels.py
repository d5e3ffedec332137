"""Compiled loops of graphics.soft_mask: face by face in index order, one thread, GIL released.

Going by faces makes "the first knum" a counter per pixel: no [B, H, W, knum] buffer, and the
backward pass walks the same order again instead of remembering anything.
"""

import math

import numpy as np
from numpy.typing import NDArray

from graphics.rasterize_kernels import Array, column_range, compiled, row_range

LENGTH_EPSILON = 1e-13
"""kaolin adds 1e-7 to squared lengths scaled by 1e6; edges shorter than its root have no foot."""

PROBABILITY_EPSILON = 1e-7
"""kaolin's guard of (1 - mask) / (1 - p) in the backward pass."""

NO_FOOT = 4.0
"""kaolin's squared distance of an edge whose foot is off the segment."""


@compiled
def soft_mask(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    face_vertices_image: Array,  # [B, F, 3, 2]
    face_index: NDArray[np.int32],  # [B, H, W]
    x: Array,  # [W]
    y: Array,  # [H]
    sigmainv: float, boxlen: float, knum: int,
    mask: Array,  # [B, H, W], out
) -> None:  # fmt: skip
    """Multiply the chance that no face reaches a pixel, then take it from one."""
    batch, height, width = face_index.shape
    one = x.dtype.type(1)
    counts = np.empty((height, width), np.int32)
    for image in range(batch):
        mask[image] = one
        _start_counts(face_index, image, knum, counts)
        for face in range(face_vertices_image.shape[1]):
            row, row_end, column, column_end = _grown_box(
                face_vertices_image, image, face, x, y, boxlen
            )
            for r in range(row, row_end):
                for c in range(column, column_end):
                    if counts[r, c] >= knum:
                        continue
                    counts[r, c] += 1
                    squared, _ = _nearest(face_vertices_image, image, face, x[c], y[r])
                    mask[image, r, c] *= one - math.exp(-sigmainv * squared)
        for r in range(height):
            for c in range(width):
                if face_index[image, r, c] < 0:
                    mask[image, r, c] = one - mask[image, r, c]


@compiled
def soft_mask_backward(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    mask_gradient: Array,  # [B, H, W]
    mask: Array,  # [B, H, W]
    face_vertices_image: Array,  # [B, F, 3, 2]
    face_index: NDArray[np.int32],  # [B, H, W]
    x: Array,  # [W]
    y: Array,  # [H]
    sigmainv: float, boxlen: float, knum: int,
    vertices_gradient: Array,  # [B, F, 3, 2], out, starts at 0
) -> None:  # fmt: skip
    """Walk the forward's order again; dmask/dd2_k = -sigmainv p_k (1 - mask) / (1 - p_k)."""
    batch, height, width = face_index.shape
    one, epsilon = x.dtype.type(1), x.dtype.type(PROBABILITY_EPSILON)
    counts = np.empty((height, width), np.int32)
    for image in range(batch):
        _start_counts(face_index, image, knum, counts)
        for face in range(face_vertices_image.shape[1]):
            row, row_end, column, column_end = _grown_box(
                face_vertices_image, image, face, x, y, boxlen
            )
            for r in range(row, row_end):
                for c in range(column, column_end):
                    if counts[r, c] >= knum:
                        continue
                    counts[r, c] += 1
                    squared, nearest = _nearest(face_vertices_image, image, face, x[c], y[r])
                    p = math.exp(-sigmainv * squared)
                    remaining = (one - mask[image, r, c]) / (one - p + epsilon)
                    _add_distance_gradient(
                        -sigmainv * p * remaining * mask_gradient[image, r, c], nearest,
                        face_vertices_image, image, face, x[c], y[r], vertices_gradient,
                    )  # fmt: skip


@compiled
def _start_counts(
    face_index: NDArray[np.int32], image: int, knum: int, counts: NDArray[np.int32]
) -> None:
    """A covered pixel takes no candidates: it starts full."""
    for r in range(counts.shape[0]):
        for c in range(counts.shape[1]):
            counts[r, c] = 0 if face_index[image, r, c] < 0 else knum


@compiled
def _grown_box(
    face_vertices_image: Array, image: int, face: int, x: Array, y: Array, boxlen: float
) -> tuple[int, int, int, int]:
    """Rows and columns of a face's box grown by boxlen; none for a corner that is not finite."""
    xa, ya = face_vertices_image[image, face, 0, 0], face_vertices_image[image, face, 0, 1]
    xb, yb = face_vertices_image[image, face, 1, 0], face_vertices_image[image, face, 1, 1]
    xc, yc = face_vertices_image[image, face, 2, 0], face_vertices_image[image, face, 2, 1]
    if not math.isfinite(xa + ya + xb + yb + xc + yc):
        return 0, 0, 0, 0
    column, column_end = column_range(x, min(xa, xb, xc) - boxlen, max(xa, xb, xc) + boxlen)
    if column == column_end:
        return 0, 0, 0, 0
    row, row_end = row_range(y, min(ya, yb, yc) - boxlen, max(ya, yb, yc) + boxlen)
    return row, row_end, column, column_end


@compiled
def _nearest(
    face_vertices_image: Array, image: int, face: int, x: float, y: float
) -> tuple[float, int]:
    """Squared distance to a face's outline and what is nearest: edge 0..2 or corner 3..5."""
    best, nearest = face_vertices_image.dtype.type(NO_FOOT), 0
    for corner in range(3):
        after = 0 if corner == 2 else corner + 1
        ax = face_vertices_image[image, face, corner, 0] - x
        ay = face_vertices_image[image, face, corner, 1] - y
        ex = face_vertices_image[image, face, after, 0] - x - ax
        ey = face_vertices_image[image, face, after, 1] - y - ay
        length = ex * ex + ey * ey
        along = -(ax * ex + ay * ey)
        if 0 <= along <= length and length > LENGTH_EPSILON:
            cross = ax * ey - ay * ex
            squared = cross * cross / length
            if squared < best:
                best, nearest = squared, corner
    for corner in range(3):
        ax = face_vertices_image[image, face, corner, 0] - x
        ay = face_vertices_image[image, face, corner, 1] - y
        squared = ax * ax + ay * ay
        if squared < best:
            best, nearest = squared, corner + 3
    return best, nearest


@compiled
def _add_distance_gradient(  # noqa: PLR0913 - whole arrays and indices, as above
    gradient: float, nearest: int, face_vertices_image: Array, image: int, face: int,
    x: float, y: float, vertices_gradient: Array,
) -> None:  # fmt: skip
    """Chain the gradient in one squared distance to the corners it depends on.

    The distance to an edge grows along the normal from pixel to foot, shared by its two ends in
    the proportion of the foot.
    """
    first = nearest % 3
    ax = face_vertices_image[image, face, first, 0] - x
    ay = face_vertices_image[image, face, first, 1] - y
    if nearest >= 3:
        vertices_gradient[image, face, first, 0] += 2 * gradient * ax
        vertices_gradient[image, face, first, 1] += 2 * gradient * ay
        return
    second = 0 if first == 2 else first + 1
    ex = face_vertices_image[image, face, second, 0] - x - ax
    ey = face_vertices_image[image, face, second, 1] - y - ay
    length = ex * ex + ey * ey
    if length <= LENGTH_EPSILON:
        return
    share = -(ax * ex + ay * ey) / length
    normal_x, normal_y = ax + share * ex, ay + share * ey
    rest = 1 - share
    vertices_gradient[image, face, first, 0] += 2 * gradient * rest * normal_x
    vertices_gradient[image, face, first, 1] += 2 * gradient * rest * normal_y
    vertices_gradient[image, face, second, 0] += 2 * gradient * share * normal_x
    vertices_gradient[image, face, second, 1] += 2 * gradient * share * normal_y
