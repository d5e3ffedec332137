"""Whether a mesh is one that others can use: closed, not folded over, not through itself."""

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import cached

Array = NDArray[np.float64]
CELLS = 32  # along each side of the grid that finds the faces on a ray


def watertight(faces: NDArray[np.integer]) -> bool:
    """Whether each edge of faces [F, 3] has exactly two faces, which run along it in opposite
    directions: closed, manifold at its edges and consistently wound."""
    starts = faces.reshape(-1).astype(np.int64)
    ends = faces[:, [1, 2, 0]].reshape(-1).astype(np.int64)
    base = int(faces.max()) + 1
    forward, backward = starts * base + ends, ends * base + starts
    unique = np.unique(forward)
    return bool(
        np.all(starts != ends)
        and len(unique) == len(forward)
        and np.array_equal(unique, np.unique(backward))
    )


def flipped_faces(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3], closed
) -> float:
    """Share of faces, 0..1, whose counter-clockwise side faces space that the mesh encloses
    inside out: a negative winding number before the middle of the face.

    All of a mesh that is turned inside out; of a sound one, the parts that were pushed through
    others. Faces without area are not counted.
    """
    triangles = np.ascontiguousarray(np.asarray(vertices, np.float64)[faces])  # [F, 3, 3]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    axes = np.argmax(np.abs(normals), axis=1)
    flipped = 0
    for axis in range(3):
        # A cyclic change of axes keeps the handedness; rays then run along the last one.
        turned = np.ascontiguousarray(triangles[..., [(axis + 1) % 3, (axis + 2) % 3, axis]])
        signs = np.sign(normals[:, axis])
        asked = np.flatnonzero((axes == axis) & (signs != 0))
        flipped += _count_inside_out(turned, signs, asked)
    return flipped / len(faces)


def self_intersections(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
) -> float:
    """Share of faces, 0..1, that another face cuts with which they share no vertex.

    Two triangles cut each other where an edge of one passes through the inside of the other;
    touching, and lying in one plane, is no cut.
    """
    triangles = np.asarray(vertices, np.float64)[faces]  # [F, 3, 3]
    low, high = triangles.min(axis=1), triangles.max(axis=1)
    along = int(np.argmax(np.ptp(triangles.reshape(-1, 3), axis=0)))
    order = np.argsort(low[:, along], kind="stable")
    cut = _find_cuts(
        np.ascontiguousarray(triangles[order]), np.ascontiguousarray(faces[order], np.int64),
        low[order], high[order], along,
    )  # fmt: skip
    return float(cut.mean())


_compiled = cached()


@_compiled
def _count_inside_out(
    triangles: Array,  # [F, 3, 3], rays run along the last axis
    signs: Array,  # [F] of the normals along the rays
    asked: NDArray[np.int64],  # [A] indices of faces
) -> int:
    """How many of the asked faces have a negative winding number before their middle.

    Seen from a point the winding number is the sum over the faces that a ray crosses: 1 where it
    leaves, -1 where it enters. The face itself is not crossed by the ray from its front, if that
    runs away from it; otherwise it is, and is entered.
    """
    corner_low = np.array([triangles[:, :, 0].min(), triangles[:, :, 1].min()])
    extent = max(
        triangles[:, :, 0].max() - corner_low[0], triangles[:, :, 1].max() - corner_low[1], 1e-300
    )
    starts, members = _cells_of(triangles, corner_low, CELLS / extent)
    count = 0
    for position in range(len(asked)):
        own = asked[position]
        x = triangles[own, :, 0].sum() / 3
        y = triangles[own, :, 1].sum() / 3
        z = triangles[own, :, 2].sum() / 3
        column = min(int((x - corner_low[0]) * CELLS / extent), CELLS - 1)
        row = min(int((y - corner_low[1]) * CELLS / extent), CELLS - 1)
        winding = 0 if signs[own] > 0 else -1
        for entry in range(starts[row * CELLS + column], starts[row * CELLS + column + 1]):
            face = members[entry]
            if face != own and _is_above(triangles[face], x, y, z):
                winding += 1 if signs[face] > 0 else -1
        if winding < 0:
            count += 1
    return count


@_compiled
def _cells_of(
    triangles: Array, low: Array, scale: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Faces by the cells of a grid that their boxes touch: where a cell starts, and all faces."""
    boxes = np.empty((len(triangles), 4), np.int64)
    starts = np.zeros(CELLS * CELLS + 1, np.int64)
    for face in range(len(triangles)):
        for axis in range(2):
            values = triangles[face, :, axis]
            boxes[face, axis] = min(int((values.min() - low[axis]) * scale), CELLS - 1)
            boxes[face, 2 + axis] = min(int((values.max() - low[axis]) * scale), CELLS - 1)
        for row in range(boxes[face, 1], boxes[face, 3] + 1):
            for column in range(boxes[face, 0], boxes[face, 2] + 1):
                starts[row * CELLS + column + 1] += 1
    starts = np.cumsum(starts)
    filled = starts[:-1].copy()
    members = np.empty(starts[-1], np.int64)
    for face in range(len(triangles)):
        for row in range(boxes[face, 1], boxes[face, 3] + 1):
            for column in range(boxes[face, 0], boxes[face, 2] + 1):
                members[filled[row * CELLS + column]] = face
                filled[row * CELLS + column] += 1
    return starts, members


@_compiled
def _is_above(triangle: Array, x: float, y: float, z: float) -> bool:
    """Whether the ray from a point along the last axis crosses the triangle [3, 3].

    Half-open in y, then in x, as the crossings of voxelise: neighbours never both have an edge.
    """
    found = 0
    first_x = first_z = 0.0
    for corner in range(3):
        low, high = corner, (corner + 1) % 3
        if (triangle[low, 1] <= y) == (triangle[high, 1] <= y):
            continue
        if triangle[low, 1] > triangle[high, 1]:
            low, high = high, low
        share = (y - triangle[low, 1]) / (triangle[high, 1] - triangle[low, 1])
        at_x = triangle[low, 0] + share * (triangle[high, 0] - triangle[low, 0])
        at_z = triangle[low, 2] + share * (triangle[high, 2] - triangle[low, 2])
        if found == 0:
            first_x, first_z = at_x, at_z
            found = 1
        elif (first_x <= x) != (at_x <= x):
            return first_z + (x - first_x) / (at_x - first_x) * (at_z - first_z) > z
    return False


@_compiled
def _find_cuts(
    triangles: Array,  # [F, 3, 3], sorted by their lowest point along an axis
    faces: NDArray[np.int64],  # [F, 3]
    low: Array,  # [F, 3]
    high: Array,  # [F, 3]
    along: int,
) -> NDArray[np.bool_]:
    """Which faces are cut: sweep and prune along one axis, then the exact test."""
    cut = np.zeros(len(faces), np.bool_)
    for first in range(len(faces)):
        for second in range(first + 1, len(faces)):
            if low[second, along] > high[first, along]:
                break
            if cut[first] and cut[second]:
                continue
            near = _boxes_meet(low[first], high[first], low[second], high[second])
            a, b, c = faces[second]
            if not near or a in faces[first] or b in faces[first] or c in faces[first]:
                continue
            if _cut_each_other(triangles[first], triangles[second]):
                cut[first] = cut[second] = True
    return cut


@_compiled
def _boxes_meet(first_low: Array, first_high: Array, second_low: Array, second_high: Array) -> bool:
    for axis in range(3):
        if second_low[axis] > first_high[axis] or first_low[axis] > second_high[axis]:
            return False
    return True


@_compiled
def _cut_each_other(first: Array, second: Array) -> bool:
    """Whether an edge of one triangle [3, 3] passes through the other."""
    for corner in range(3):
        following = (corner + 1) % 3
        if _pierces(first[corner], first[following], second):
            return True
        if _pierces(second[corner], second[following], first):
            return True
    return False


@_compiled
def _volume(a: Array, b: Array, c: Array, d: Array) -> float:
    """Six times the signed volume of a tetrahedron."""
    bx, by, bz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    cx, cy, cz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    dx, dy, dz = d[0] - a[0], d[1] - a[1], d[2] - a[2]
    return bx * (cy * dz - cz * dy) - by * (cx * dz - cz * dx) + bz * (cx * dy - cy * dx)


@_compiled
def _pierces(start: Array, end: Array, triangle: Array) -> bool:
    """Whether the segment passes through the inside of the triangle [3, 3]."""
    a, b, c = triangle[0], triangle[1], triangle[2]
    if _volume(start, a, b, c) * _volume(end, a, b, c) >= 0:
        return False
    first = _volume(start, end, a, b)
    second = _volume(start, end, b, c)
    third = _volume(start, end, c, a)
    return (first > 0 and second > 0 and third > 0) or (first < 0 and second < 0 and third < 0)
