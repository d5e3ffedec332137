"""The triton backend's kernels: the rules of graphics.rasterize and graphics.soft_mask on a GPU.

Forward, an image is cut into square tiles. `list_faces` writes, in index order, which faces reach
each tile; `visible_faces` and `soft_mask` then walk a tile's list for all its pixels at once.
Backward, each face gathers from the pixels of its own box: no atomics, so the same bits every time.
For that `soft_mask` remembers one number per pixel, its last candidate's index: a face counts there
if its box holds the pixel and it does not come after.

Pointers are to contiguous arrays of the shapes given; `faces` is F, `image` the index in the batch.
"""

import triton
import triton.language as tl

from train.renderer.triton_geometry import (
    barycentric,
    face_box,
    face_corners,
    nearest_point,
    pixel_centres,
    tile_pixels,
)


@triton.jit
def list_faces(
    corners,  # [B, F, 3, 2]
    valid,  # bool [B, F]
    listed,  # int32 [B, tiles, F], out: the first counts[image, tile] are faces, in index order
    counts,  # int32 [B, tiles], out
    faces, height, width, margin, TILE: tl.constexpr,
    BLOCK: tl.constexpr,  # faces looked at together
):  # fmt: skip
    """Which faces reach the pixel centres of each tile with their boxes grown by a margin."""
    tile, image = tl.program_id(0), tl.program_id(1).to(tl.int64)
    across = tl.cdiv(width, TILE)
    top, start_column = (tile // across) * TILE, (tile % across) * TILE
    out = listed + (image * tl.num_programs(0) + tile) * faces
    count = tl.zeros([], tl.int32)
    for start in range(0, faces, BLOCK):
        face = start + tl.arange(0, BLOCK)
        known = face < faces
        at = image * faces + face
        xa, ya, xb, yb, xc, yc = face_corners(corners, at, known)
        left, right, low, high = face_box(xa, ya, xb, yb, xc, yc, margin)
        first_x, first_y = pixel_centres(top, start_column, height, width, xa)
        last_x, last_y = pixel_centres(top + TILE - 1, start_column + TILE - 1, height, width, xa)
        reaches = known & (left <= last_x) & (right > first_x)
        reaches = reaches & (low <= first_y) & (high > last_y) & (right > left)
        reaches = reaches & (tl.load(valid + at, known, other=0) != 0)
        before = tl.cumsum(reaches.to(tl.int32), 0) - 1
        tl.store(out + count + before, face, reaches)
        count += tl.sum(reaches.to(tl.int32), 0)
    tl.store(counts + image * tl.num_programs(0) + tile, count)


@triton.jit
def visible_faces(
    corners,  # [B, F, 3, 2]
    depths,  # [B, F, 3]
    features,  # [B, F, 3, D]
    listed,  # int32 [B, tiles, F]
    counts,  # int32 [B, tiles]
    face_index,  # int32 [B, H, W], out
    weights,  # [B, H, W, 3], out
    rendered,  # [B, H, W, D], out
    faces, height, width, channels,  # F, H, W, D
    epsilon,  # added to areas
    TILE: tl.constexpr,
):  # fmt: skip
    """The closest face of each pixel, its barycentric weights and the features they give."""
    tile, image = tl.program_id(0), tl.program_id(1).to(tl.int64)
    row, column, inside = tile_pixels(tile, height, width, TILE)
    tile_at = image * tl.num_programs(0) + tile
    kind = tl.load(corners)
    x, y = pixel_centres(row, column, height, width, kind)
    depth = tl.full([TILE * TILE], float("-inf"), kind.dtype)
    index = tl.full([TILE * TILE], -1, tl.int32)
    wa, wb, wc = x * 0, x * 0, x * 0
    for entry in range(tl.load(counts + tile_at)):
        face = tl.load(listed + tile_at * faces + entry)
        at = image * faces + face
        ua, ub, uc, hit = barycentric(corners, at, x, y, epsilon)
        z = ua * tl.load(depths + at * 3) + ub * tl.load(depths + at * 3 + 1)
        z += uc * tl.load(depths + at * 3 + 2)
        closer = hit & (z > depth)
        depth = tl.where(closer, z, depth)
        index = tl.where(closer, face, index)
        wa, wb, wc = tl.where(closer, ua, wa), tl.where(closer, ub, wb), tl.where(closer, uc, wc)
    pixel = (image * height + row) * width + column
    tl.store(face_index + pixel, index, inside)
    tl.store(weights + pixel * 3, wa, inside)
    tl.store(weights + pixel * 3 + 1, wb, inside)
    tl.store(weights + pixel * 3 + 2, wc, inside)
    seen = inside & (index >= 0)
    start = features + (image * faces + index) * 3 * channels
    for d in range(channels):
        a = tl.load(start + d, seen, other=0.0)
        b = tl.load(start + channels + d, seen, other=0.0)
        c = tl.load(start + 2 * channels + d, seen, other=0.0)
        tl.store(rendered + pixel * channels + d, wa * a + wb * b + wc * c, inside)


@triton.jit
def soft_mask(
    corners,  # [B, F, 3, 2]
    face_index,  # int32 [B, H, W]
    listed,  # int32 [B, tiles, F]
    counts,  # int32 [B, tiles]
    mask,  # [B, H, W], out
    last_face,  # int32 [B, H, W], out: the knum-th candidate, F where there are fewer
    faces, height, width, sigmainv, boxlen, knum, TILE: tl.constexpr,
):  # fmt: skip
    """One minus the chance that none of the first knum candidates reaches the pixel."""
    tile, image = tl.program_id(0), tl.program_id(1).to(tl.int64)
    row, column, inside = tile_pixels(tile, height, width, TILE)
    tile_at = image * tl.num_programs(0) + tile
    pixel = (image * height + row) * width + column
    is_open = inside & (tl.load(face_index + pixel, inside, other=0) < 0)
    kind = tl.load(corners)
    x, y = pixel_centres(row, column, height, width, kind)
    missed = tl.full([TILE * TILE], 1.0, kind.dtype)
    taken = tl.zeros([TILE * TILE], tl.int32)
    last = tl.zeros([TILE * TILE], tl.int32) + faces
    any_open = tl.max(is_open.to(tl.int32), 0)
    for entry in range(tl.load(counts + tile_at) * any_open):
        face = tl.load(listed + tile_at * faces + entry)
        xa, ya, xb, yb, xc, yc = face_corners(corners, image * faces + face, True)
        left, right, low, high = face_box(xa, ya, xb, yb, xc, yc, boxlen)
        candidate = is_open & (taken < knum)
        candidate = candidate & (x >= left) & (x < right) & (y >= low) & (y < high)
        squared, _, _, _, _ = nearest_point(xa - x, ya - y, xb - x, yb - y, xc - x, yc - y)
        missed = tl.where(candidate, missed * (1.0 - tl.exp(-sigmainv * squared)), missed)
        taken += candidate.to(tl.int32)
        last = tl.where(candidate & (taken == knum), face, last)
    tl.store(mask + pixel, tl.where(is_open, 1.0 - missed, 1.0), inside)
    tl.store(last_face + pixel, last, inside)
