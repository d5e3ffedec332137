"""Vertices, texture and camera to image and mask, without torch: the service's graphics renderer.

Draws what train.renderer.render draws, pixel for pixel, but with a hard mask. Safe to call from
many threads at once; the loops release the GIL.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import project
from graphics.mesh import Template
from graphics.rasterize import interpolate, visible_faces
from graphics.texture import sample_texture

Array = NDArray[np.float32]


class Rendered(NamedTuple):
    """A batch of drawings."""

    images: Array
    """[B, R, R, 3] in 0..1, row 0 the top; the background, or black, outside the object."""
    masks: Array
    """[B, R, R] how much of each pixel the object covers: 0 or 1 with one sample per pixel."""


def render(  # noqa: PLR0913
    vertices: Array,  # [B, V, 3]
    textures: Array,  # [B, Ht, Wt, 3] in 0..1, row 0 the top (v = 1)
    cameras: Array,  # [B, 5]
    template: Template,
    size: int,  # R, pixels
    background: Array | None = None,  # [B, R, R, 3] in 0..1
    samples: int = 1,  # per pixel side: 2 draws at twice the size and averages, for smooth edges
) -> Rendered:
    """Draw each object by its own camera; faces turned away are left out."""
    _check(vertices, textures, cameras, template)
    if size < 1 or samples < 1:
        raise ValueError(f"size is {size} px and samples {samples}; both must be at least 1")
    if background is not None and background.shape != (len(vertices), size, size, 3):
        raise ValueError(
            f"background has shape {background.shape}; it must be "
            f"[{len(vertices)}, {size}, {size}, 3]"
        )
    vertices, cameras = vertices.astype(np.float32), cameras.astype(np.float32)
    projected = project(vertices, cameras)
    corners = projected.vertices_image[:, template.faces]  # [B, F, 3, 2]
    corners_z = projected.vertices_camera[..., 2][:, template.faces]  # [B, F, 3]
    side = size * samples
    visible = visible_faces(corners, corners_z, side, side, facing(corners))
    face_uvs = np.broadcast_to(template.face_uvs, (len(vertices), *template.face_uvs.shape))
    covered = visible.face_index >= 0
    planes = textures.astype(np.float32).transpose(0, 3, 1, 2)  # [B, 3, Ht, Wt]
    colours = sample_texture(planes, interpolate(face_uvs, visible), covered)
    images, masks = colours.transpose(0, 2, 3, 1), covered.astype(np.float32)
    if samples > 1:
        images, masks = _average(images, samples), _average(masks[..., None], samples)[..., 0]
    if background is not None:
        images = images + (1 - masks[..., None]) * background
    return Rendered(np.ascontiguousarray(images, np.float32), masks)


def facing(corners: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether faces [B, F, 3, 2] on the image plane turn their counter-clockwise side to the
    camera, [B, F]."""
    first, second = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0] >= 0


def _average(images: Array, samples: int) -> Array:
    """Mean over blocks of samples x samples pixels of [B, H, W, C]."""
    batch, height, width, channels = images.shape
    blocks = images.reshape(batch, height // samples, samples, width // samples, samples, channels)
    return blocks.mean(axis=(2, 4), dtype=np.float32)


def _check(vertices: Array, textures: Array, cameras: Array, template: Template) -> None:
    count, vertex_count = len(vertices), len(template.vertices)
    if vertices.shape != (count, vertex_count, 3):
        raise ValueError(
            f"vertices has shape {vertices.shape}; the template asks for [B, {vertex_count}, 3]"
        )
    if textures.ndim != 4 or textures.shape[0] != count or textures.shape[3] != 3:
        raise ValueError(f"textures has shape {textures.shape}; it must be [{count}, Ht, Wt, 3]")
    if cameras.shape != (count, 5):
        raise ValueError(f"cameras has shape {cameras.shape}; it must be [{count}, 5]")
