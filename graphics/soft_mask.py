"""DIB-R's soft silhouette: face by face in index order, forwards and backwards.

A pixel that sees a face is exactly 1 and has no gradient. Any other is 1 - prod(1 - p_k) with
p = exp(-sigmainv * d^2), d the image-plane distance to a face's outline. The nearest of three edges
(where the foot lies on the segment), then of three corners counts; the first strict minimum wins.
The faces are the first `knum` in index order, back faces included, whose box grown by `boxlen`
holds the pixel: not the nearest `knum`. A face with a corner that is not finite, or too large for
finite areas, has no outline.

Going by faces makes "the first knum" a counter per pixel: no [B, H, W, knum] buffer, and the
backward pass walks the same order again instead of remembering anything.
"""

import math
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import Array, Number, compiled
from graphics.pixels import pixel_box, pixel_centres
from graphics.rasterize import Corners, check_faces, corners_of

LENGTH_EPSILON = 1e-13
"""kaolin adds 1e-7 to squared lengths scaled by 1e6; shorter edges have no foot, only corners."""

PROBABILITY_EPSILON = 1e-7  # kaolin's guard of (1 - mask) / (1 - p) in the backward pass


def soft_mask(
    face_vertices_image: Array,  # [B, F, 3, 2]
    face_index: NDArray[np.int32],  # [B, H, W], -1 where no face is seen
    sigmainv: float = 7000.0,  # sharpness, recommended 1/3e-4 .. 1/3e-5
    boxlen: float = 0.02,  # image-plane units, recommended 0.02 .. 0.2
    knum: int = 30,  # recommended 20 .. 100
) -> Array:
    """Soft mask, `[B, H, W]` in 0..1."""
    check_faces(face_vertices_image)
    check_settings(sigmainv, boxlen, knum)
    batch = len(face_vertices_image)
    if face_index.ndim != 3 or len(face_index) != batch:
        raise ValueError(f"face_index has shape {face_index.shape}; it must be [{batch}, H, W]")
    dtype = face_vertices_image.dtype
    x, y = pixel_centres(*face_index.shape[1:], dtype)
    mask = np.empty(face_index.shape, dtype)
    _soft_mask(
        np.ascontiguousarray(face_vertices_image), np.ascontiguousarray(face_index), x, y,
        dtype.type(sigmainv), dtype.type(boxlen), knum, mask,
    )  # fmt: skip
    return mask


def soft_mask_backward(  # noqa: PLR0913 - the forward's arguments and the gradient
    mask_gradient: Array,  # [B, H, W]
    mask: Array,  # [B, H, W], what the forward returned
    face_vertices_image: Array,  # [B, F, 3, 2]
    face_index: NDArray[np.int32],  # [B, H, W]
    sigmainv: float = 7000.0,
    boxlen: float = 0.02,
    knum: int = 30,
) -> Array:
    """Gradient of the soft mask in `face_vertices_image`, `[B, F, 3, 2]`."""
    dtype = face_vertices_image.dtype
    x, y = pixel_centres(*face_index.shape[1:], dtype)
    gradient = np.zeros_like(face_vertices_image)
    _soft_mask_backward(
        np.ascontiguousarray(mask_gradient), np.ascontiguousarray(mask),
        np.ascontiguousarray(face_vertices_image), np.ascontiguousarray(face_index), x, y,
        dtype.type(sigmainv), dtype.type(boxlen), knum, gradient,
    )  # fmt: skip
    return gradient


def check_settings(sigmainv: float, boxlen: float, knum: int) -> None:
    """Refuse settings out of their ranges: nan and infinities too, and parts of a face."""
    ranges = 0 < sigmainv < math.inf and 0 <= boxlen < math.inf
    if not ranges or not isinstance(knum, Integral) or knum < 1:
        raise ValueError(
            f"sigmainv={sigmainv}, boxlen={boxlen}, knum={knum}; sigmainv must be finite and above "
            "0, boxlen finite and at least 0, knum a whole number from 1 on (defaults: 7000, 0.02, "
            "30)"
        )


@compiled
def _soft_mask(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    face_vertices_image: Array, face_index: NDArray[np.int32],
    x: Array,  # [W]
    y: Array,  # [H]
    sigmainv: Number, boxlen: Number, knum: int,
    mask: Array,  # [B, H, W], out
) -> None:  # fmt: skip
    """Multiply the chance that no face reaches a pixel, then take it from one."""
    batch, height, width = face_index.shape
    one = x.dtype.type(1)
    counts = np.empty((height, width), np.int32)
    open_before = np.zeros((height + 1, width + 1), np.int32)
    for image in range(batch):
        mask[image] = one
        _start_counts(face_index, image, knum, counts, open_before)
        for face in range(face_vertices_image.shape[1]):
            corners = corners_of(face_vertices_image, image, face)
            row, row_end, column, column_end = _open_box(corners, boxlen, open_before)
            if row == row_end:
                continue
            inverses = _inverse_lengths(corners, one)
            for r in range(row, row_end):
                for c in range(column, column_end):
                    if counts[r, c] >= knum:
                        continue
                    counts[r, c] += 1
                    squared, _, _, _, _ = _nearest(corners, inverses, x[c], y[r], one)
                    mask[image, r, c] *= one - math.exp(-sigmainv * squared)
        for r in range(height):
            for c in range(width):
                if face_index[image, r, c] < 0:
                    mask[image, r, c] = one - mask[image, r, c]


@compiled
def _soft_mask_backward(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    mask_gradient: Array, mask: Array, face_vertices_image: Array, face_index: NDArray[np.int32],
    x: Array,  # [W]
    y: Array,  # [H]
    sigmainv: Number, boxlen: Number, knum: int,
    vertices_gradient: Array,  # [B, F, 3, 2], out, starts at 0
) -> None:  # fmt: skip
    """Walk the forward's order again; dmask/dd2_k = -sigmainv p_k (1 - mask) / (1 - p_k)."""
    batch, height, width = face_index.shape
    one, epsilon = x.dtype.type(1), x.dtype.type(PROBABILITY_EPSILON)
    counts = np.empty((height, width), np.int32)
    open_before = np.zeros((height + 1, width + 1), np.int32)
    for image in range(batch):
        _start_counts(face_index, image, knum, counts, open_before)
        for face in range(face_vertices_image.shape[1]):
            corners = corners_of(face_vertices_image, image, face)
            row, row_end, column, column_end = _open_box(corners, boxlen, open_before)
            if row == row_end:
                continue
            inverses = _inverse_lengths(corners, one)
            for r in range(row, row_end):
                for c in range(column, column_end):
                    if counts[r, c] >= knum:
                        continue
                    counts[r, c] += 1
                    squared, first, share, to_x, to_y = _nearest(corners, inverses, x[c], y[r], one)
                    p = math.exp(-sigmainv * squared)
                    remaining = (one - mask[image, r, c]) / (one - p + epsilon)
                    slope = -(sigmainv + sigmainv) * p * remaining * mask_gradient[image, r, c]
                    second = first + 1 if first < 2 else 0
                    vertices_gradient[image, face, first, 0] += slope * (one - share) * to_x
                    vertices_gradient[image, face, first, 1] += slope * (one - share) * to_y
                    vertices_gradient[image, face, second, 0] += slope * share * to_x
                    vertices_gradient[image, face, second, 1] += slope * share * to_y


@compiled
def _start_counts(
    face_index: NDArray[np.int32], image: int, knum: int,
    counts: NDArray[np.int32],  # [H, W], out
    open_before: NDArray[np.int32],  # [H + 1, W + 1], out, row and column 0 are 0
) -> None:  # fmt: skip
    """Covered pixels take no candidates: they start full. Also how many open (not covered) pixels
    lie above and left of each, by which boxes without any are passed over."""
    for r in range(counts.shape[0]):
        in_row = 0
        for c in range(counts.shape[1]):
            is_open = face_index[image, r, c] < 0
            counts[r, c] = 0 if is_open else knum
            in_row += is_open
            open_before[r + 1, c + 1] = open_before[r, c + 1] + in_row


@compiled
def _open_box(
    corners: Corners, boxlen: Number, open_before: NDArray[np.int32]
) -> tuple[int, int, int, int]:
    """Rows and columns of a face's box grown by boxlen; none where all its pixels are covered."""
    height, width = open_before.shape[0] - 1, open_before.shape[1] - 1
    row, row_end, column, column_end = pixel_box(*corners, boxlen, height, width)
    if row >= row_end or column >= column_end:
        return 0, 0, 0, 0
    inside = open_before[row_end, column_end] - open_before[row, column_end]
    inside -= open_before[row_end, column] - open_before[row, column]
    if inside == 0:
        return 0, 0, 0, 0
    return row, row_end, column, column_end


@compiled
def _inverse_lengths(corners: Corners, one: Number) -> tuple[Number, Number, Number]:
    """One over the squared length of each edge (0: no foot)."""
    xa, ya, xb, yb, xc, yc = corners
    return (
        _inverse_length(xb - xa, yb - ya, one), _inverse_length(xc - xb, yc - yb, one),
        _inverse_length(xa - xc, ya - yc, one),
    )  # fmt: skip


@compiled
def _inverse_length(x: Number, y: Number, one: Number) -> Number:
    # `one` is of the arrays' dtype: a literal would turn float32 arithmetic into float64.
    length = x * x + y * y
    return one / length if length > LENGTH_EPSILON else one - one


@compiled
def _nearest(
    corners: Corners, inverses: tuple[Number, Number, Number], x: Number, y: Number, one: Number
) -> tuple[Number, int, Number, Number, Number]:
    """The outline's nearest point, as the pixel (x, y) sees it.

    Squared distance, first corner of its edge, share of the way to the second corner, and the
    point itself.

    An edge whose foot is off the segment ends at a corner, share 0 or 1: the corners need no turn
    of their own. By the envelope theorem the distance's gradient is the point's direction, split
    between the two corners by the share.
    """
    xa, ya, xb, yb, xc, yc = corners
    xa, ya, xb, yb, xc, yc = xa - x, ya - y, xb - x, yb - y, xc - x, yc - y
    squared, share, to_x, to_y = _on_segment(xa, ya, xb, yb, inverses[0], one)
    first = 0
    other, other_share, other_x, other_y = _on_segment(xb, yb, xc, yc, inverses[1], one)
    if other < squared:
        squared, first, share, to_x, to_y = other, 1, other_share, other_x, other_y
    other, other_share, other_x, other_y = _on_segment(xc, yc, xa, ya, inverses[2], one)
    if other < squared:
        squared, first, share, to_x, to_y = other, 2, other_share, other_x, other_y
    return squared, first, share, to_x, to_y


@compiled
def _on_segment(
    xa: Number, ya: Number, xb: Number, yb: Number, inverse_length: Number, one: Number
) -> tuple[Number, Number, Number, Number]:
    """The segment's nearest point to the origin: squared distance, share of the way, x, y."""
    along_x, along_y = xb - xa, yb - ya
    share = -(xa * along_x + ya * along_y) * inverse_length
    share = min(max(share, one - one), one)
    to_x, to_y = xa + share * along_x, ya + share * along_y
    return to_x * to_x + to_y * to_y, share, to_x, to_y
