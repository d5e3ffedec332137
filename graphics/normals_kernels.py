"""Compiled loops of graphics.normals."""

import math

import numpy as np
from numpy.typing import NDArray

from graphics.rasterize_kernels import compiled

SHORTEST = 1e-20
"""Sums of face normals shorter than this have no direction."""


@compiled
def vertex_normals(
    vertices: NDArray[np.float64],  # [V, 3]
    faces: NDArray[np.int64],  # [F, 3]
    normals: NDArray[np.float64],  # [V, 3], out, starts at 0
) -> None:
    """Each face adds its cross product, twice its area long, to its corners."""
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )  # fmt: skip
        vx, vy, vz = (
            vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )  # fmt: skip
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += x
            normals[corner, 1] += y
            normals[corner, 2] += z
    for vertex in range(normals.shape[0]):
        x, y, z = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        length = math.sqrt(x * x + y * y + z * z)
        if length > SHORTEST:
            normals[vertex, 0], normals[vertex, 1] = x / length, y / length
            normals[vertex, 2] = z / length
        else:
            normals[vertex, 0], normals[vertex, 1], normals[vertex, 2] = 0.0, 1.0, 0.0
