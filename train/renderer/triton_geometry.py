"""Geometry shared by the triton kernels: pixels, boxes, barycentric weights, distances.

All of it works on blocks of pixels or of faces; a scalar is a block of one.
"""

import triton
import triton.language as tl

LENGTH_EPSILON: tl.constexpr = tl.constexpr(1e-13)
"""kaolin adds 1e-7 to squared lengths scaled by 1e6; shorter edges have no foot, only corners."""


@triton.jit
def tile_pixels(tile, height, width, TILE: tl.constexpr):
    """Rows and columns [TILE * TILE] of a tile's pixels, and which of them are in the image."""
    across = tl.cdiv(width, TILE)
    pixel = tl.arange(0, TILE * TILE)
    row = (tile // across) * TILE + pixel // TILE
    column = (tile % across) * TILE + pixel % TILE
    return row, column, (row < height) & (column < width)


@triton.jit
def pixel_centres(row, column, height, width, like):
    """Image-plane x and y of pixels, in the dtype of `like`."""
    x = (2 * column + 1 - width).to(like.dtype) / width
    y = (height - 2 * row - 1).to(like.dtype) / height
    return x, y


@triton.jit
def face_corners(corners, at, known):
    """Six coordinates of the faces `at`, 0 where not known."""
    start = corners + at * 6
    xa, ya = tl.load(start, known, other=0.0), tl.load(start + 1, known, other=0.0)
    xb, yb = tl.load(start + 2, known, other=0.0), tl.load(start + 3, known, other=0.0)
    xc, yc = tl.load(start + 4, known, other=0.0), tl.load(start + 5, known, other=0.0)
    return xa, ya, xb, yb, xc, yc


@triton.jit
def face_box(xa, ya, xb, yb, xc, yc, margin):
    """Left, right, low and high end of faces' boxes grown by a margin; empty for corners that are
    not finite."""
    left = tl.minimum(tl.minimum(xa, xb), xc) - margin
    right = tl.maximum(tl.maximum(xa, xb), xc) + margin
    low = tl.minimum(tl.minimum(ya, yb), yc) - margin
    high = tl.maximum(tl.maximum(ya, yb), yc) + margin
    finite = (xa + xb + xc + ya + yb + yc) * 0.0 == 0.0
    right = tl.where(finite, right, left)
    return left, right, low, high


@triton.jit
def barycentric(corners, at, x, y, epsilon):
    """Barycentric weights of one face at pixels, and which of them it covers, of either winding."""
    xa, ya, xb, yb, xc, yc = face_corners(corners, at, True)
    left, right, low, high = face_box(xa, ya, xb, yb, xc, yc, 0.0)
    ax, ay, bx, by, cx, cy = xa - x, ya - y, xb - x, yb - y, xc - x, yc - y
    wa = bx * cy - by * cx
    wb = cx * ay - cy * ax
    wc = ax * by - ay * bx
    area = wa + wb + wc
    hit = (x >= left) & (x < right) & (y >= low) & (y < high)
    turned = (wa <= 0) & (wb <= 0) & (wc <= 0)
    hit = hit & tl.where(area >= 0, (wa >= 0) & (wb >= 0) & (wc >= 0), turned)
    scale = 1.0 / (area + tl.where(area < 0, -epsilon, epsilon))
    return wa * scale, wb * scale, wc * scale, hit


@triton.jit
def nearest_point(xa, ya, xb, yb, xc, yc):
    """The outline's nearest point to pixels at the origin: squared distance, first corner of its
    edge, share of the way to the second one, and the point itself."""
    squared, share, to_x, to_y = _on_segment(xa, ya, xb, yb)
    first = (squared * 0).to(tl.int32)
    other, other_share, other_x, other_y = _on_segment(xb, yb, xc, yc)
    closer = other < squared
    first = tl.where(closer, 1, first)
    share, to_x = tl.where(closer, other_share, share), tl.where(closer, other_x, to_x)
    to_y, squared = tl.where(closer, other_y, to_y), tl.where(closer, other, squared)
    other, other_share, other_x, other_y = _on_segment(xc, yc, xa, ya)
    closer = other < squared
    first = tl.where(closer, 2, first)
    share, to_x = tl.where(closer, other_share, share), tl.where(closer, other_x, to_x)
    to_y, squared = tl.where(closer, other_y, to_y), tl.where(closer, other, squared)
    return squared, first, share, to_x, to_y


@triton.jit
def _on_segment(xa, ya, xb, yb):
    """The segment's nearest point to the origin: squared distance, share of the way, x, y."""
    along_x, along_y = xb - xa, yb - ya
    length = along_x * along_x + along_y * along_y
    has_foot = length > LENGTH_EPSILON
    share = -(xa * along_x + ya * along_y) / tl.where(has_foot, length, 1.0)
    share = tl.where(has_foot, tl.minimum(tl.maximum(share, 0.0), 1.0), 0.0)
    to_x, to_y = xa + share * along_x, ya + share * along_y
    return to_x * to_x + to_y * to_y, share, to_x, to_y
