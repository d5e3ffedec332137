"""The solid of any triangles: everything that cannot be seen from outside.

Meshes made for pictures are often open, hollow or of sheets, so that no winding number tells their
inside. Each voxel is looked for along 162 directions all round: one that lies before the first
surface in any of them is outside. It is the visual hull (Laurentini 1994) carved by depth too.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from graphics.mesh import sphere_template
from graphics.rasterize import visible_faces
from train.metrics.volume_iou import VOXELS

DIRECTIONS_LEVEL = 2
"""Level of the icosphere whose 162 vertices are the directions."""
DEPTH_SIZE = 256
"""Side of a depth image in pixels; it is 1.8 wide."""
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
        seen = visible_faces(
            (corners[None, :, :, :2] / REACH), np.ascontiguousarray(corners[None, ..., 2]),
            DEPTH_SIZE, DEPTH_SIZE,
        )  # fmt: skip
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


@numba.njit(cache=True, nogil=True)
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
