"""Where a mesh is cut for file formats that have one texture coordinate per vertex."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Seams(NamedTuple):
    """The corners of F faces as N vertices; a vertex on the uv seam is one per coordinate."""

    surface: NDArray[np.integer]
    """[F, 3] the faces as they were, over V vertices."""
    faces: NDArray[np.uint32]
    """[F, 3] the same faces over the N vertices."""
    sources: NDArray[np.int64]
    """[N] which of the V vertices each one was split from."""
    uvs: NDArray[np.float32]
    """[N, 2], v = 0 the bottom."""

    def split(
        self,
        vertices: NDArray[np.floating],  # [V, 3]
    ) -> NDArray[np.float32]:  # [N, 3]
        """The vertices on both sides of the seam."""
        count = int(self.sources.max()) + 1
        if vertices.shape != (count, 3):
            raise ValueError(
                f"vertices has shape {vertices.shape}; with these seams it must be [{count}, 3]"
            )
        return vertices[self.sources].astype(np.float32, copy=False)


def find_seams(
    faces: NDArray[np.integer],  # [F, 3]
    face_uvs: NDArray[np.floating],  # [F, 3, 2]
) -> Seams:
    """Weld corners of the same vertex and uv into one vertex, and no others."""
    if faces.shape[1:] != (3,) or face_uvs.shape != (*faces.shape, 2):
        raise ValueError(
            f"faces {faces.shape}, face_uvs {face_uvs.shape}; they must be [F, 3] and [F, 3, 2]"
        )
    corners = np.concatenate([faces[..., None], face_uvs], axis=-1).reshape(-1, 3)
    _, first, corner = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    return Seams(
        faces,
        corner.reshape(-1, 3).astype(np.uint32),
        faces.reshape(-1)[first].astype(np.int64),
        face_uvs.reshape(-1, 2)[first].astype(np.float32),
    )
