"""Solids on voxels: from a closed mesh, from any triangles, and their intersection over union.

Inside a closed mesh the winding number of the surface around a voxel's centre is not zero. So
overlapping closed parts count as their union, and a part turned inside out is still solid. The
winding number is counted exactly, along one ray per column of voxels. A row of rays meets a
triangle between two of its edges. Where an edge is met depends on that edge alone, so neighbours
never leave a gap or count a ray twice.

Meshes made for pictures are often open, hollow or of sheets, so that no winding number tells their
inside. Their solid is everything that cannot be seen from outside: the visual hull (Laurentini
1994) carved by depth too. Each voxel is looked for along 162 directions all round. One that lies
before the first surface in any of them is outside.
"""

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import cached
from graphics.mesh import sphere_template
from graphics.rasterize import visible_faces

VOXELS = 64  # voxels along each side of the box


def box_of(vertices: NDArray[np.floating]) -> tuple[NDArray[np.float64], float]:
    """Centre [3] and longest side of the bounding box of vertices [V, 3].

    Raises:
        ValueError: it has no size, or is not finite.
    """
    vertices = np.asarray(vertices, np.float64)
    if not np.all(np.isfinite(vertices)):
        raise ValueError("vertices are not all finite: the mesh has no volume to compare")
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    longest = float(np.max(high - low))
    if longest <= 0:
        raise ValueError("all vertices are one point: the mesh has no size to scale by")
    return (low + high) / 2, longest


def fit_to_box(vertices: NDArray[np.floating]) -> NDArray[np.float64]:
    """Vertices [V, 3] moved and scaled: bounding box centred on 0, its longest side 1.

    This takes out where an object stands and how large it is, which one photograph cannot tell;
    it leaves its proportions and its orientation.
    """
    centre, longest = box_of(vertices)
    return (np.asarray(vertices, np.float64) - centre) / longest


def voxelise(
    vertices: NDArray[np.floating],  # [V, 3] inside [-0.5, 0.5]^3; what sticks out is cut off
    faces: NDArray[np.integer],  # [F, 3]
    size: int = VOXELS,
) -> NDArray[np.bool_]:
    """Voxels `[size, size, size]`, indexed y, x, z, whose centres a closed mesh encloses.

    Raises:
        ValueError: the mesh has a hole, so that some ray enters without leaving.
    """
    triangles = np.asarray(vertices, np.float64)[faces]  # [F, 3, 3]
    steps = np.zeros((size, size, size + 1), np.int16)
    _count_crossings(np.ascontiguousarray(triangles), steps)
    winding = np.cumsum(steps, axis=2, dtype=np.int16)
    leaking = int(np.count_nonzero(winding[..., -1]))
    if leaking:
        raise ValueError(
            f"{leaking} of {size * size} rays enter the mesh without leaving it: it has a hole; "
            "every part must be closed"
        )
    return winding[..., :-1] != 0


def volume_iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Voxels in both solids over voxels in either, 0..1; two empty ones agree: 1.

    The smaller grid is taken as empty around; the middles of both are one.
    """
    small, large = sorted((first, second), key=len)
    start = (len(large) - len(small)) // 2
    inner = large[(slice(start, start + len(small)),) * 3]
    both = int(np.count_nonzero(inner & small))
    either = int(np.count_nonzero(large)) + int(np.count_nonzero(small)) - both
    return both / either if either else 1.0


@cached()
def _count_crossings(
    triangles: NDArray[np.float64],  # [F, 3, 3]
    steps: NDArray[np.int16],  # [S, S, S + 1] y, x, z, added to
) -> None:
    """Add to each column the change of the winding number at each voxel, seen along +z.

    Entering through a face adds 1, leaving takes 1 away. Beyond the last voxel is one more step,
    so that a column of a closed mesh sums to zero.
    """
    size = steps.shape[0]
    crossing = np.empty((2, 2))  # of the two edges of a triangle that a row meets: x, z
    rises = np.empty(2, np.int64)
    for face in range(triangles.shape[0]):
        ys = triangles[face, :, 1]
        # Rows whose centre, (2 r + 1 - size) / (2 size), can lie between the corners.
        first = max(int(np.floor(ys.min() * size + (size - 1) / 2)), 0)
        last = min(int(np.ceil(ys.max() * size + (size - 1) / 2)), size - 1)
        for row in range(first, last + 1):
            y = (2 * row + 1 - size) / (2 * size)
            found = 0
            for corner in range(3):
                low, high = corner, (corner + 1) % 3
                if (ys[low] <= y) == (ys[high] <= y):
                    continue
                rises[found] = 1
                if ys[low] > ys[high]:
                    low, high = high, low
                    rises[found] = -1
                share = (y - ys[low]) / (ys[high] - ys[low])
                for axis in range(2):
                    start = triangles[face, low, 2 * axis]
                    end = triangles[face, high, 2 * axis]
                    crossing[found, axis] = start + (end - start) * share
                found += 1
            if found == 2:
                left = 0 if crossing[0, 0] < crossing[1, 0] else 1
                _fill_row(crossing[left], crossing[1 - left], -rises[1 - left], steps[row])


@cached()
def _fill_row(
    left: NDArray[np.float64],  # [2] x, z where the row enters the triangle
    right: NDArray[np.float64],  # [2] x, z where it leaves
    step: int,  # 1: rays going +z enter the solid here, -1: they leave it
    columns: NDArray[np.int16],  # [S, S + 1] x, z, added to
) -> None:
    """Step the winding number of every column whose ray passes between the two edges."""
    size = columns.shape[0]
    first = max(int(np.floor(left[0] * size + (size - 1) / 2)), 0)
    last = min(int(np.ceil(right[0] * size + (size - 1) / 2)), size - 1)
    for column in range(first, last + 1):
        x = (2 * column + 1 - size) / (2 * size)
        if left[0] <= x < right[0]:
            z = left[1] + (right[1] - left[1]) * (x - left[0]) / (right[0] - left[0])
            voxel = int(np.ceil(z * size + (size - 1) / 2))
            columns[column, min(max(voxel, 0), size)] += step


DIRECTIONS_LEVEL = 2  # level of the icosphere whose 162 vertices are the directions
DEPTH_SIZE = 256  # side of a depth image in pixels; it is 1.8 wide
REACH = 0.9
"""Half the width of a depth image: the corner of a box of side 1 is 0.87 from its middle."""


def visible_hull(
    vertices: NDArray[np.floating],  # [V, 3] inside [-0.5, 0.5]^3
    faces: NDArray[np.integer],  # [F, 3], any winding, open or closed
    size: int = VOXELS,
) -> NDArray[np.bool_]:
    """Voxels `[size, size, size]`, indexed y, x, z, whose centres no direction sees."""
    solid = np.ones((size, size, size), np.bool_)
    for direction in sphere_template(DIRECTIONS_LEVEL).vertices.astype(np.float64):
        frame = _frame(direction)
        corners = ((np.asarray(vertices, np.float64) @ frame.T)[faces]).astype(np.float32)
        image, z = corners[None, :, :, :2] / REACH, corners[None, ..., 2]
        seen = visible_faces(image, z, DEPTH_SIZE, DEPTH_SIZE)
        index = seen.face_index[0]
        depth = np.full(index.shape, -np.inf)
        hit = index >= 0
        depth[hit] = np.sum(corners[index[hit], :, 2] * seen.weights[0][hit], axis=1)
        _carve(frame, depth, solid)
    return solid


def _frame(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows right, up and towards the eye [3, 3] of a view from a direction [3]."""
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(direction, right), direction])


@cached()
def _carve(
    frame: NDArray[np.float64],  # [3, 3]
    depth: NDArray[np.float64],  # [D, D] of the first surface, larger is closer
    solid: NDArray[np.bool_],  # [S, S, S] y, x, z, changed in place
) -> None:
    size, side = solid.shape[0], depth.shape[0]
    for i in range(size):
        y = (2 * i + 1 - size) / (2 * size)
        for j in range(size):
            x = (2 * j + 1 - size) / (2 * size)
            for k in range(size):
                if not solid[i, j, k]:
                    continue
                z = (2 * k + 1 - size) / (2 * size)
                right = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z
                up = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z
                near = frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z
                column = int((right / REACH + 1) * side / 2 - 0.5)
                row = int((1 - up / REACH) * side / 2 - 0.5)
                # The closest of the four pixels around: one alone would carve away outlines.
                closest = max(
                    depth[row, column], depth[row, column + 1],
                    depth[row + 1, column], depth[row + 1, column + 1],
                )  # fmt: skip
                if near > closest:
                    solid[i, j, k] = False
