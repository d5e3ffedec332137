"""The backward kernels of the triton backend: one program per face, gathering from its pixels.

See triton_kernels for the scheme; a face's pixels are walked in blocks of SPAN x SPAN.
"""

import triton
import triton.language as tl

from train.renderer.triton_geometry import face_box, face_corners, nearest_point, pixel_centres

PROBABILITY_EPSILON: tl.constexpr = tl.constexpr(1e-7)  # kaolin's guard of (1 - mask) / (1 - p)


@triton.jit
def _pixel_box(left, right, low, high, height, width):
    """First row and column of the pixels that a box may hold, and how many rows and columns.

    One more than needed on each side: the exact test is the caller's.
    """
    left, right = tl.maximum(left, -2.0), tl.minimum(right, 2.0)
    low, high = tl.maximum(low, -2.0), tl.minimum(high, 2.0)
    column = tl.floor((left * width + (width - 1)) * 0.5).to(tl.int32)
    column_end = tl.ceil((right * width + (width - 1)) * 0.5).to(tl.int32) + 1
    row = tl.floor(((height - 1) - high * height) * 0.5).to(tl.int32)
    row_end = tl.ceil(((height - 1) - low * height) * 0.5).to(tl.int32) + 1
    column, row = tl.maximum(column, 0), tl.maximum(row, 0)
    columns = tl.maximum(tl.minimum(column_end, width) - column, 0)
    rows = tl.maximum(tl.minimum(row_end, height) - row, 0)
    # nan and empty boxes have no pixels.
    some = ((right > left) & (high > low)).to(tl.int32)
    return row, column, rows * some, columns * some


@triton.jit
def _block(number, top, left, rows, columns, SPAN: tl.constexpr):
    """Rows and columns [SPAN * SPAN] of one block of a face's pixels, and which are in the box."""
    across = tl.cdiv(columns, SPAN)
    offset = tl.arange(0, SPAN * SPAN)
    row = (number // across) * SPAN + offset // SPAN
    column = (number % across) * SPAN + offset % SPAN
    return top + row, left + column, (row < rows) & (column < columns)


@triton.jit
def vertices_gradient(
    image_gradient,  # [B, H, W, D]
    corners,  # [B, F, 3, 2]
    features,  # [B, F, 3, D]
    face_index,  # int32 [B, H, W]
    weights,  # [B, H, W, 3]
    gradient,  # [B, F, 3, 2], out
    faces, height, width, channels, epsilon, SPAN: tl.constexpr,
):  # fmt: skip
    """Gradient of the image's features in a face's corners, through the barycentric weights.

    Weights are affine over the image, so moving corner k moves them at a pixel by -w_k times what
    moving the pixel would.
    """
    face, image = tl.program_id(0), tl.program_id(1).to(tl.int64)
    at = image * faces + face
    xa, ya, xb, yb, xc, yc = face_corners(corners, at, True)
    left, right, low, high = face_box(xa, ya, xb, yb, xc, yc, 0.0)
    top, start, rows, columns = _pixel_box(left, right, low, high, height, width)
    area = (xb - xa) * (yc - ya) - (yb - ya) * (xc - xa)
    scale = 1.0 / (area + tl.where(area < 0, -epsilon, epsilon))
    nothing = xa * 0
    gax, gay, gbx, gby, gcx, gcy = nothing, nothing, nothing, nothing, nothing, nothing
    for number in range(tl.cdiv(rows, SPAN) * tl.cdiv(columns, SPAN)):
        row, column, known = _block(number, top, start, rows, columns, SPAN)
        pixel = (image * height + row) * width + column
        known = known & (tl.load(face_index + pixel, known, other=-1) == face)
        ga = tl.zeros([SPAN * SPAN], xa.dtype)
        gb, gc = ga, ga
        for d in range(channels):
            given = tl.load(image_gradient + pixel * channels + d, known, other=0.0)
            ga += given * tl.load(features + at * 3 * channels + d)
            gb += given * tl.load(features + (at * 3 + 1) * channels + d)
            gc += given * tl.load(features + (at * 3 + 2) * channels + d)
        slope_x = (ga * (yb - yc) + gb * (yc - ya) + gc * (ya - yb)) * scale
        slope_y = (ga * (xc - xb) + gb * (xa - xc) + gc * (xb - xa)) * scale
        wa = tl.load(weights + pixel * 3, known, other=0.0)
        wb = tl.load(weights + pixel * 3 + 1, known, other=0.0)
        wc = tl.load(weights + pixel * 3 + 2, known, other=0.0)
        gax, gay = gax - tl.sum(wa * slope_x, 0), gay - tl.sum(wa * slope_y, 0)
        gbx, gby = gbx - tl.sum(wb * slope_x, 0), gby - tl.sum(wb * slope_y, 0)
        gcx, gcy = gcx - tl.sum(wc * slope_x, 0), gcy - tl.sum(wc * slope_y, 0)
    _store_corners(gradient, at, gax, gay, gbx, gby, gcx, gcy)


@triton.jit
def _store_corners(gradient, at, gax, gay, gbx, gby, gcx, gcy):
    tl.store(gradient + at * 6, gax)
    tl.store(gradient + at * 6 + 1, gay)
    tl.store(gradient + at * 6 + 2, gbx)
    tl.store(gradient + at * 6 + 3, gby)
    tl.store(gradient + at * 6 + 4, gcx)
    tl.store(gradient + at * 6 + 5, gcy)


@triton.jit
def features_gradient(
    image_gradient,  # [B, H, W, D]
    corners,  # [B, F, 3, 2]
    face_index,  # int32 [B, H, W]
    weights,  # [B, H, W, 3]
    gradient,  # [B, F, 3, D], out
    faces, height, width, channels, SPAN: tl.constexpr,
):  # fmt: skip
    """Gradient of the image's features in one feature of a face's three corners."""
    face, image, d = tl.program_id(0), tl.program_id(1).to(tl.int64), tl.program_id(2)
    at = image * faces + face
    xa, ya, xb, yb, xc, yc = face_corners(corners, at, True)
    left, right, low, high = face_box(xa, ya, xb, yb, xc, yc, 0.0)
    top, start, rows, columns = _pixel_box(left, right, low, high, height, width)
    nothing = xa * 0
    ga, gb, gc = nothing, nothing, nothing
    for number in range(tl.cdiv(rows, SPAN) * tl.cdiv(columns, SPAN)):
        row, column, known = _block(number, top, start, rows, columns, SPAN)
        pixel = (image * height + row) * width + column
        known = known & (tl.load(face_index + pixel, known, other=-1) == face)
        given = tl.load(image_gradient + pixel * channels + d, known, other=0.0)
        ga += tl.sum(given * tl.load(weights + pixel * 3, known, other=0.0), 0)
        gb += tl.sum(given * tl.load(weights + pixel * 3 + 1, known, other=0.0), 0)
        gc += tl.sum(given * tl.load(weights + pixel * 3 + 2, known, other=0.0), 0)
    tl.store(gradient + at * 3 * channels + d, ga)
    tl.store(gradient + (at * 3 + 1) * channels + d, gb)
    tl.store(gradient + (at * 3 + 2) * channels + d, gc)


@triton.jit
def soft_mask_gradient(
    mask_gradient,  # [B, H, W]
    mask,  # [B, H, W]
    corners,  # [B, F, 3, 2]
    face_index,  # int32 [B, H, W]
    last_face,  # int32 [B, H, W]
    gradient,  # [B, F, 3, 2], out
    faces, height, width, sigmainv, boxlen, SPAN: tl.constexpr,
):  # fmt: skip
    """Gradient of the soft mask in a face's corners.

    dmask/dd2_k = -sigmainv p_k (1 - mask) / (1 - p_k), d2_k the squared distance.
    """
    face, image = tl.program_id(0), tl.program_id(1).to(tl.int64)
    at = image * faces + face
    xa, ya, xb, yb, xc, yc = face_corners(corners, at, True)
    left, right, low, high = face_box(xa, ya, xb, yb, xc, yc, boxlen)
    top, start, rows, columns = _pixel_box(left, right, low, high, height, width)
    nothing = xa * 0
    gax, gay, gbx, gby, gcx, gcy = nothing, nothing, nothing, nothing, nothing, nothing
    for number in range(tl.cdiv(rows, SPAN) * tl.cdiv(columns, SPAN)):
        row, column, known = _block(number, top, start, rows, columns, SPAN)
        pixel = (image * height + row) * width + column
        x, y = pixel_centres(row, column, height, width, xa)
        known = known & (x >= left) & (x < right) & (y >= low) & (y < high)
        known = known & (tl.load(face_index + pixel, known, other=0) < 0)
        known = known & (tl.load(last_face + pixel, known, other=-1) >= face)
        squared, first, share, to_x, to_y = nearest_point(
            xa - x, ya - y, xb - x, yb - y, xc - x, yc - y
        )
        p = tl.exp(-sigmainv * squared)
        remaining = (1.0 - tl.load(mask + pixel, known, other=1.0)) / (
            1.0 - p + PROBABILITY_EPSILON
        )
        slope = -2.0 * sigmainv * p * remaining * tl.load(mask_gradient + pixel, known, other=0.0)
        slope = tl.where(known, slope, 0.0)
        to_first, to_second = slope * (1.0 - share), slope * share
        to_a = tl.where(first == 0, to_first, tl.where(first == 2, to_second, 0.0))
        to_b = tl.where(first == 1, to_first, tl.where(first == 0, to_second, 0.0))
        to_c = tl.where(first == 2, to_first, tl.where(first == 1, to_second, 0.0))
        gax, gay = gax + tl.sum(to_a * to_x, 0), gay + tl.sum(to_a * to_y, 0)
        gbx, gby = gbx + tl.sum(to_b * to_x, 0), gby + tl.sum(to_b * to_y, 0)
        gcx, gcy = gcx + tl.sum(to_c * to_x, 0), gcy + tl.sum(to_c * to_y, 0)
    _store_corners(gradient, at, gax, gay, gbx, gby, gcx, gcy)
