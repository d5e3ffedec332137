"""An object with its true shape and colours, whatever file it came from, and its renderings.

Ground truth is rendered without the short cuts of DIB-R: depth and texture are perspective-exact,
both sides of a face show, textures repeat beyond 0..1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import project, view_matrices
from graphics.mesh import vertex_normals
from graphics.rasterize import visible_faces
from train.data.vehicles import Light

LONGEST_SIDE = 1.9
"""Longest side of a normalised object's bounding box: about the length of a procedural vehicle."""
LARGEST_RADIUS = 1.05
"""A normalised object's radius about the middle of its bounding box. The nominal camera sees all of
it: the image shows a ball of 5 sin(12.5 degrees) = 1.08."""
UNTEXTURED = -1  # in `face_textures`
AXES = {
    f"{sign}{axis}": (1 if sign != "-" else -1) * np.eye(3)[index]
    for index, axis in enumerate("xyz")
    for sign in ("", "+", "-")
}
"""Spelling of an axis -> unit vector."""


class TexturedObject(NamedTuple):
    """Triangles with colours."""

    vertices: NDArray[np.float32]
    """[V, 3]"""
    faces: NDArray[np.int32]
    """[F, 3]; either winding, not necessarily closed."""
    corner_uvs: NDArray[np.float32]
    """[F, 3, 2], v = 0 the bottom of the texture; they may lie anywhere, textures repeat."""
    corner_colours: NDArray[np.float32]
    """[F, 3, 3] in 0..1, times the texture's colour where there is one."""
    face_textures: NDArray[np.int32]
    """[F] index into `textures`, -1 where there is none."""
    textures: tuple[NDArray[np.uint8], ...]
    """Each [Ht, Wt, 3], row 0 is v = 1."""


def normalise(mesh: TexturedObject, up: str = "y", front: str = "+z") -> TexturedObject:
    """The object in the canonical frame: y up, front +z, its box around 0, 1.9 along the longest
    side, or less where it would not fit into the image.

    `up`, `front`: which axes of the file these are, such as `z` and `-y`.

    Raises:
        ValueError: the axes are none or on one line, or the object has no size.
    """
    if up not in AXES or front not in AXES:
        raise ValueError(f"up {up!r}, front {front!r}: each must be one of {', '.join(AXES)}")
    if AXES[up] @ AXES[front] != 0:
        raise ValueError(f"up {up!r} and front {front!r} are on one line: give two different axes")
    frame = np.stack([np.cross(AXES[up], AXES[front]), AXES[up], AXES[front]])
    vertices = mesh.vertices.astype(np.float64)
    if not np.all(np.isfinite(vertices)):
        raise ValueError("its vertices are not all finite numbers")
    vertices = vertices @ frame.T
    used = vertices[np.unique(mesh.faces)]
    low, high = used.min(axis=0), used.max(axis=0)
    longest = float((high - low).max())
    if longest <= 0:
        raise ValueError("all its vertices are one point: it has no size to scale by")
    corners = vertices[mesh.faces]
    if not np.any(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])):
        raise ValueError("its triangles have no area: there is nothing to see")
    vertices -= (low + high) / 2
    radius = float(np.linalg.norm(used - (low + high) / 2, axis=1).max())
    vertices *= min(LONGEST_SIDE / longest, LARGEST_RADIUS / radius)
    return mesh._replace(vertices=vertices.astype(np.float32))


def render_object(
    mesh: TexturedObject,
    cameras: NDArray[np.floating],  # [K, 5]
    light: Light,
    backgrounds: NDArray[np.floating],  # [K, R, R, 3] in 0..1
    samples: int,  # per pixel side
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Photograph an object: images [K, R, R, 3], and how much of each pixel it covers [K, R, R]."""
    size = backgrounds.shape[1]
    images = np.empty(backgrounds.shape, np.uint8)
    masks = np.empty(backgrounds.shape[:3], np.uint8)
    # One view at a time: meshes of many faces are large arrays.
    for number, camera in enumerate(cameras.astype(np.float32)[:, None]):
        colours, covered = _samples_of(mesh, camera, light, size * samples)
        blocks = colours.reshape(size, samples, size, samples, 3).mean(axis=(1, 3))
        coverage = covered.reshape(size, samples, size, samples).mean(axis=(1, 3))
        picture = blocks + (1 - coverage[..., None]) * backgrounds[number]
        images[number] = np.rint(np.clip(picture, 0, 1) * 255)
        masks[number] = np.rint(coverage * 255)
    return images, masks


def _samples_of(
    mesh: TexturedObject, camera: NDArray[np.float32], light: Light, side: int
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Lit colours [S, S, 3], 0 outside, and what is covered [S, S], seen from one camera [1, 5]."""
    projected = project(mesh.vertices[None], camera)
    corners = projected.vertices_image[:, mesh.faces]  # [1, F, 3, 2]
    # The inverse of depth is linear in the image, depth itself is not.
    nearness = -1 / projected.vertices_camera[..., 2][:, mesh.faces]  # [1, F, 3]
    seen = visible_faces(corners, nearness, side, side)
    covered = seen.face_index[0] >= 0
    colours = np.zeros((side, side, 3), np.float32)
    faces = seen.face_index[0][covered]  # [P]
    weights = seen.weights[0][covered] * nearness[0, faces]  # [P, 3]
    weights /= weights.sum(axis=1, keepdims=True)
    surface = np.einsum("pk,pkc->pc", weights, mesh.corner_colours[faces])
    _apply_textures(mesh, faces, weights, surface)
    normals = _normals(mesh, faces, weights, view_matrices(camera)[0])
    colours[covered] = np.clip(surface * _lit(normals, light), 0, 1)
    return colours, covered


def _apply_textures(
    mesh: TexturedObject, faces: NDArray[np.integer],
    weights: NDArray[np.floating],  # [P, 3]
    colours: NDArray[np.floating],  # [P, 3], multiplied in index
) -> None:  # fmt: skip
    uvs = np.einsum("pk,pkc->pc", weights, mesh.corner_uvs[faces])
    for number, texture in enumerate(mesh.textures):
        here = mesh.face_textures[faces] == number
        if here.any():
            colours[here] *= sample_repeating(texture, uvs[here])


def sample_repeating(
    texture: NDArray[np.uint8],  # [Ht, Wt, 3], row 0 is v = 1
    uvs: NDArray[np.floating],  # [P, 2]
) -> NDArray[np.floating]:  # [P, 3] in 0..1
    """Bilinear colours; the texture repeats in u and in v."""
    height, width = texture.shape[:2]
    positions = np.stack([(1 - uvs[:, 1]) * height, uvs[:, 0] * width], axis=1) - 0.5
    first = np.floor(positions).astype(np.int64)
    down, across = (positions - first).T[..., None]
    (top, left), (bottom, right) = first.T, first.T + 1
    top, bottom, left, right = top % height, bottom % height, left % width, right % width
    upper = texture[top, left] * (1 - across) + texture[top, right] * across
    lower = texture[bottom, left] * (1 - across) + texture[bottom, right] * across
    return (upper * (1 - down) + lower * down) / 255


def _normals(
    mesh: TexturedObject, faces: NDArray[np.integer],
    weights: NDArray[np.floating],  # [P, 3]
    view: NDArray[np.floating],  # [4, 4]
) -> NDArray[np.floating]:  # fmt: skip
    """Unit normals [P, 3] towards the camera: half flat, half smooth, like the vehicles'."""
    corners = mesh.vertices[mesh.faces[faces]]  # [P, 3, 3]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-20)
    smooth = vertex_normals(mesh.vertices, mesh.faces)[mesh.faces[faces]]  # [P, 3, 3]
    normals = flat + np.einsum("pk,pkc->pc", weights, smooth)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    eye = -view[:3, :3].T @ view[:3, 3]
    to_eye = eye - np.einsum("pk,pkc->pc", weights, corners)
    away = np.sum(flat * to_eye, axis=1) < 0
    return np.where(away[:, None], -normals, normals)


def _lit(normals: NDArray[np.floating], light: Light) -> NDArray[np.floating]:
    """Factor [P, 3] of the surface's colour: sky from above, and the sun."""
    ambient = light.ambient * (0.80 + 0.28 * normals[:, 1:2])
    direct = np.maximum(normals @ light.sun, 0)[:, None] * light.sun_colour
    return light.exposure * (ambient + direct)
