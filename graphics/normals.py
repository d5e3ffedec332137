"""Smooth normals of a mesh."""

import math

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import compiled

SHORTEST = 1e-20
"""Sums of face normals shorter than this have no direction."""


def vertex_normals(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
) -> NDArray[np.float32]:
    """Unit normals [V, 3]: the mean of the faces around, by area; +y where that is nothing."""
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise ValueError(f"vertices has shape {vertices.shape}; it must be [V, 3]")
    if faces.size and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise ValueError(
            f"faces name vertices {faces.min()} to {faces.max()}; there are {len(vertices)}"
        )
    normals = np.zeros(vertices.shape, np.float64)
    _add_normals(
        np.ascontiguousarray(vertices, np.float64), np.ascontiguousarray(faces, np.int64), normals
    )
    return normals.astype(np.float32)


@compiled
def _add_normals(
    vertices: NDArray[np.float64],  # [V, 3]
    faces: NDArray[np.int64],  # [F, 3]
    normals: NDArray[np.float64],  # [V, 3], out, starts at 0
) -> None:
    """Each face adds its cross product, twice its area long, to its corners."""
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        x, y, z = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        ux, uy, uz = vertices[b, 0] - x, vertices[b, 1] - y, vertices[b, 2] - z
        vx, vy, vz = vertices[c, 0] - x, vertices[c, 1] - y, vertices[c, 2] - z
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
