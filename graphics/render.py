"""Vertices, texture and camera to image and mask, without torch: the service's graphics renderer.

Draws what train.renderer.render draws, pixel for pixel, but with a hard mask. Safe to call from
many threads at once; the loops release the GIL.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import Projected, project
from graphics.mesh import Template
from graphics.rasterize import visible_faces

Array = NDArray[np.float32]


class View(NamedTuple):
    """Objects as their cameras see them: what drawing and painting both begin with."""

    projected: Projected
    corners: Array
    """[B, F, 3, 2] of the faces, on the image plane."""
    corners_z: Array
    """[B, F, 3] in camera space; larger is closer."""
    facing: NDArray[np.bool_]
    """[B, F] whether a face turns its counter-clockwise side to the camera."""


class Rendered(NamedTuple):
    """A batch of drawings."""

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
    samples: int = 1,  # per pixel side: 2 draws at twice the size and averages, for smooth edges
) -> Rendered:
    """Draw each object by its own camera; faces turned away are left out."""
    return draw(look(vertices, cameras, template), textures, template, size, background, samples)


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
    from graphics import render_kernels  # compiles with numba: only when it is needed

    vertices, cameras = (array.astype(np.float32, copy=False) for array in (vertices, cameras))
    projected = project(vertices, cameras)
    shape = (count, len(template.faces), 3)
    corners, corners_z = np.empty((*shape, 2), np.float32), np.empty(shape, np.float32)
    facing = np.empty(shape[:2], np.bool_)
    render_kernels.see_faces(
        np.ascontiguousarray(projected.vertices_image),
        np.ascontiguousarray(projected.vertices_camera),
        template.faces, corners, corners_z, facing,
    )  # fmt: skip
    return View(projected, corners, corners_z, facing)


def draw(
    view: View,
    textures: NDArray,  # [B, Ht, Wt, 3], uint8 or float in 0..1, row 0 the top (v = 1)
    template: Template,
    size: int,  # R, pixels
    background: Array | None = None,  # [B, R, R, 3] in 0..1
    samples: int = 1,  # as for `render`
) -> Rendered:
    """Draw what is seen; faces turned away are left out."""
    from graphics import render_kernels

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
    render_kernels.shade(*visible, template.face_uvs, np.ascontiguousarray(textures), images)
    if textures.dtype == np.uint8:
        images /= np.float32(255)
    masks = (visible.face_index >= 0).astype(np.float32)
    if samples > 1:
        images, masks = _average(images, samples), _average(masks[..., None], samples)[..., 0]
    if background is not None:
        images = images + (1 - masks[..., None]) * background
    return Rendered(images, masks)


def _average(images: Array, samples: int) -> Array:
    """Mean over blocks of samples x samples pixels of [B, H, W, C]."""
    batch, height, width, channels = images.shape
    blocks = images.reshape(batch, height // samples, samples, width // samples, samples, channels)
    return blocks.mean(axis=(2, 4), dtype=np.float32)
