"""Vertices, texture and camera to image and mask, without torch.

The images are those of train.renderer.render, pixel for pixel, but the mask is hard. Safe to call
from many threads at once: the loops release the GIL.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import Projected, project
from graphics.compiled import compiled
from graphics.mesh import Template
from graphics.rasterize import visible_faces
from graphics.texture import bilinear, texels_around

Array = NDArray[np.float32]


class View(NamedTuple):
    """Objects as their cameras see them: what rendering and texture transfer both begin with."""

    projected: Projected
    corners: Array
    """[B, F, 3, 2] of the faces, on the image plane."""
    corners_z: Array
    """[B, F, 3] in camera space; larger is closer."""
    facing: NDArray[np.bool_]
    """[B, F] whether a face turns its counter-clockwise side to the camera."""


class Rendered(NamedTuple):
    """A batch of renderings."""

    images: Array
    """[B, R, R, 3] in 0..1, row 0 the top; the background, or black, outside the object."""
    masks: Array
    """[B, R, R] how much of each pixel the object covers: 0 or 1 with one sample per pixel."""


def render(  # noqa: PLR0913
    vertices: Array,  # [B, V, 3]
    textures: NDArray,  # [B, Ht, Wt, 3], uint8 or float in 0..1, row 0 the top (v = 1)
    cameras: Array,  # [B, 5]
    template: Template,
    size: int,  # R, pixels
    background: Array | None = None,  # [B, R, R, 3] in 0..1
    samples: int = 1,  # per pixel side: 2 renders at twice the size and averages
) -> Rendered:
    """Render each object by its own camera; faces turned away are left out."""
    return render_view(
        look(vertices, cameras, template), textures, template, size, background, samples
    )


def look(
    vertices: Array,  # [B, V, 3]
    cameras: Array,  # [B, 5]
    template: Template,
) -> View:
    """Each object through its own camera."""
    count, vertex_count = len(vertices), len(template.vertices)
    if vertices.shape != (count, vertex_count, 3):
        raise ValueError(
            f"vertices has shape {vertices.shape}; the template asks for [B, {vertex_count}, 3]"
        )
    if cameras.shape != (count, 5):
        raise ValueError(f"cameras has shape {cameras.shape}; it must be [{count}, 5]")
    vertices, cameras = (array.astype(np.float32, copy=False) for array in (vertices, cameras))
    projected = project(vertices, cameras)
    shape = (count, len(template.faces), 3)
    corners, corners_z = np.empty((*shape, 2), np.float32), np.empty(shape, np.float32)
    facing = np.empty(shape[:2], np.bool_)
    _see_faces(
        np.ascontiguousarray(projected.vertices_image),
        np.ascontiguousarray(projected.vertices_camera),
        template.faces, corners, corners_z, facing,
    )  # fmt: skip
    return View(projected, corners, corners_z, facing)


def render_view(
    view: View,
    textures: NDArray,  # [B, Ht, Wt, 3], uint8 or float in 0..1, row 0 the top (v = 1)
    template: Template,
    size: int,  # R, pixels
    background: Array | None = None,  # [B, R, R, 3] in 0..1
    samples: int = 1,  # as for `render`
) -> Rendered:
    """Render what is seen; faces turned away are left out."""
    count = len(view.corners)
    if textures.ndim != 4 or textures.shape[0] != count or textures.shape[3] != 3:
        raise ValueError(f"textures has shape {textures.shape}; it must be [{count}, Ht, Wt, 3]")
    if size < 1 or samples < 1:
        raise ValueError(f"size is {size} px and samples {samples}; both must be at least 1")
    if background is not None and background.shape != (count, size, size, 3):
        raise ValueError(
            f"background has shape {background.shape}; it must be [{count}, {size}, {size}, 3]"
        )
    side = size * samples
    visible = visible_faces(view.corners, view.corners_z, side, side, view.facing)
    if textures.dtype != np.uint8:
        textures = textures.astype(np.float32, copy=False)
    images = np.zeros((count, side, side, 3), np.float32)
    _shade(*visible, template.face_uvs, np.ascontiguousarray(textures), images)
    if textures.dtype == np.uint8:
        images /= np.float32(255)
    masks = (visible.face_index >= 0).astype(np.float32)
    if samples > 1:
        images, masks = _average(images, samples), _average(masks[..., None], samples)[..., 0]
    if background is not None:
        images += (1 - masks[..., None]) * background
    return Rendered(images, masks)


def _average(images: Array, samples: int) -> Array:
    """Mean over blocks of samples x samples pixels of [B, H, W, C]."""
    # A third of the time that numpy's mean over two axes takes, and the same bits.
    firsts, *others = (
        images[:, row::samples, column::samples]
        for row in range(samples)
        for column in range(samples)
    )
    total = firsts.copy()
    for sample in others:
        total += sample
    total /= np.float32(samples**2)
    return total


@compiled
def _see_faces(
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
def _shade(
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
                    images[image, r, c, k] = bilinear(
                        textures[image, top, left, k], textures[image, top, right, k],
                        textures[image, bottom, left, k], textures[image, bottom, right, k],
                        across, down,
                    )  # fmt: skip
