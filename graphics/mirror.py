"""What of a template mirrors what: its corners, its uvs, the texels of its textures."""

import numpy as np
from numpy.typing import NDArray

from graphics.mesh import Template
from graphics.rasterize import VisibleFaces

UV_TOLERANCE = 1e-3
"""Of a texture's width and height, by which mirrored uvs may miss u -> 1 - u."""


def mirrored_corners(template: Template) -> NDArray[np.int64] | None:  # [F, 3]
    """Of each face corner the one that its reflection in x = 0 has, as 3 * face + corner.

    None: the template has no mirror pairs, or a face whose reflection is no face.
    """
    if not template.symmetric:
        return None
    faces = template.faces
    reflected = template.mirror[faces]  # [F, 3]
    place = {tuple(sorted(face)): number for number, face in enumerate(faces.tolist())}
    found = [place.get(tuple(sorted(face)), -1) for face in reflected.tolist()]
    if min(found) < 0:
        return None
    others = np.array(found)
    corners = np.argmax(faces[others][:, None, :] == reflected[:, :, None], axis=2)  # [F, 3]
    return 3 * others[:, None] + corners


def uvs_are_mirrored(template: Template) -> bool:
    """Whether the reflection of every point lies at (1 - u, v), as on the sphere."""
    corners = mirrored_corners(template)
    if corners is None:
        return False
    across = template.face_uvs.reshape(-1, 2)[corners] - template.face_uvs * (-1, 1) - (1, 0)
    across[..., 0] -= np.round(across[..., 0])  # u wraps
    return bool(np.abs(across).max() <= UV_TOLERANCE)


def mirrored_texels(
    template: Template,
    texels: VisibleFaces,  # B = 1: the face under every texel and its weights
) -> NDArray[np.int32]:  # [Ht, Wt]
    """Of each texel the one that shows its reflection, row * Wt + column; -1: none does."""
    height, width = texels.face_index.shape[1:]
    rows, columns = np.indices((height, width), np.int32)
    if uvs_are_mirrored(template):
        return rows * width + (width - 1 - columns)
    corners = mirrored_corners(template)
    if corners is None:
        return np.full((height, width), -1, np.int32)
    faces = texels.face_index[0]
    uvs = template.face_uvs.reshape(-1, 2)[corners[np.maximum(faces, 0)]]  # [Ht, Wt, 3, 2]
    u, v = np.moveaxis((uvs * texels.weights[0][..., None]).sum(2), -1, 0)
    other = np.clip(np.floor((1 - v) * height), 0, height - 1) * width
    other += np.minimum(np.floor((u % 1) * width), width - 1)
    return np.where(faces < 0, -1, other).astype(np.int32)
