"""Smooth normals of a mesh."""

import numpy as np
from numpy.typing import NDArray


def vertex_normals(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
) -> NDArray[np.float32]:
    """Unit normals [V, 3]: the mean of the faces around, by area; +y where that is nothing."""
    from graphics import normals_kernels  # compiles with numba: only when it is needed

    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise ValueError(f"vertices has shape {vertices.shape}; it must be [V, 3]")
    if faces.size and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise ValueError(
            f"faces name vertices {faces.min()} to {faces.max()}; there are {len(vertices)}"
        )
    normals = np.zeros(vertices.shape, np.float64)
    normals_kernels.vertex_normals(
        np.ascontiguousarray(vertices, np.float64), np.ascontiguousarray(faces, np.int64), normals
    )
    return normals.astype(np.float32)
