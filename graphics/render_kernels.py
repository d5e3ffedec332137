"""Compiled loops of graphics.render: one thread, GIL released."""

import numpy as np
from numpy.typing import NDArray

from graphics.rasterize_kernels import Array, compiled
from graphics.texture_kernels import texels_around


@compiled
def see_faces(
    vertices_image: Array,  # [B, V, 2]
    vertices_camera: Array,  # [B, V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    corners: Array,  # [B, F, 3, 2], out
    corners_z: Array,  # [B, F, 3], out
    facing: NDArray[np.bool_],  # [B, F], out: counter-clockwise on the image plane
) -> None:
    """The corners of every face, and which way it turns."""
    for image in range(corners.shape[0]):
        for face in range(faces.shape[0]):
            for corner in range(3):
                vertex = faces[face, corner]
                corners[image, face, corner, 0] = vertices_image[image, vertex, 0]
                corners[image, face, corner, 1] = vertices_image[image, vertex, 1]
                corners_z[image, face, corner] = vertices_camera[image, vertex, 2]
            x, y = corners[image, face, 0, 0], corners[image, face, 0, 1]
            ux, uy = corners[image, face, 1, 0] - x, corners[image, face, 1, 1] - y
            vx, vy = corners[image, face, 2, 0] - x, corners[image, face, 2, 1] - y
            facing[image, face] = ux * vy - uy * vx >= 0


@compiled
def shade(
    face_index: NDArray[np.int32],  # [B, H, W], -1: none
    weights: Array,  # [B, H, W, 3] of the face's corners
    face_uvs: Array,  # [F, 3, 2]
    textures: NDArray,  # [B, Ht, Wt, C], channels last
    images: Array,  # [B, H, W, C], out, in the textures' units, starts at 0
) -> None:
    """What `interpolate` of the uvs and `sample_texture` give, in one go."""
    batch, texture_height, texture_width, channels = textures.shape
    for image in range(batch):
        for r in range(face_index.shape[1]):
            for c in range(face_index.shape[2]):
                face = face_index[image, r, c]
                if face < 0:
                    continue
                wa, wb, wc = (
                    weights[image, r, c, 0], weights[image, r, c, 1], weights[image, r, c, 2]
                )  # fmt: skip
                u = wa * face_uvs[face, 0, 0] + wb * face_uvs[face, 1, 0]
                u += wc * face_uvs[face, 2, 0]
                v = wa * face_uvs[face, 0, 1] + wb * face_uvs[face, 1, 1]
                v += wc * face_uvs[face, 2, 1]
                top, bottom, left, right, across, down, _ = texels_around(
                    u, v, texture_height, texture_width
                )
                for k in range(channels):
                    upper = (1.0 - across) * textures[image, top, left, k]
                    upper += across * textures[image, top, right, k]
                    lower = (1.0 - across) * textures[image, bottom, left, k]
                    lower += across * textures[image, bottom, right, k]
                    images[image, r, c, k] = (1.0 - down) * upper + down * lower
