"""Predictions as pictures, rendered as the ground truth is: by the service's own renderer, on grey,
with as many samples per pixel."""

import numpy as np
from numpy.typing import NDArray

from graphics.mesh import Template
from graphics.rasterize import visible_faces
from graphics.render import Rendered, look, render
from train.metrics.mask_iou import solid

COARSE_SIZE = 64
"""Below this side the photographs take 4 x 4 samples per pixel, from it on 2 x 2. Predictions are
rendered with the same samples, so that the ground truth scores an IoU of exactly 1."""
NEUTRAL = 0.5
"""Grey that stands around the object where images are compared."""


def on_grey(
    images: NDArray[np.floating],  # [..., H, W, 3] in 0..1
    masks: NDArray[np.generic],  # [..., H, W]
) -> NDArray[np.floating]:
    """The object's pixels; neutral grey everywhere else."""
    return np.where(solid(masks)[..., None], images, images.dtype.type(NEUTRAL))


def on_grey_softly(
    images: NDArray[np.uint8],  # [..., H, W, 3]
    masks: NDArray[np.floating],  # [..., H, W] in 0..1
) -> NDArray[np.floating]:
    """The images in 0..1 before neutral grey, blended as the masks say."""
    pixels = images.astype(np.float32) / 255
    return NEUTRAL + (pixels - NEUTRAL) * masks[..., None].astype(np.float32)


def _samples(size: int) -> int:
    return 2 if size >= COARSE_SIZE else 4


def render_on_grey(
    vertices: NDArray[np.floating],  # [B, V, 3]
    textures: NDArray,  # [B, Ht, Wt, 3], uint8 or float in 0..1
    cameras: NDArray[np.floating],  # [B, 5]
    template: Template,
    size: int,
) -> Rendered:
    """Render each prediction by its own camera, with the ground truth's samples per pixel."""
    grey = np.full((len(vertices), size, size, 3), NEUTRAL, np.float32)
    return render(vertices, textures, cameras, template, size, grey, _samples(size))


def render_views(
    vertices: NDArray[np.floating],  # [B, V, 3]
    textures: NDArray,  # [B, Ht, Wt, 3], uint8 or float in 0..1
    cameras: NDArray[np.float32],  # [B, K, 5]
    template: Template,
    size: int,
) -> Rendered:
    """Every prediction from each of its cameras: images [B, K, R, R, 3], masks [B, K, R, R]."""
    views = cameras.shape[1]
    every = zip(vertices[:, None], textures[:, None], cameras, strict=True)
    rendered = [
        render_on_grey(shape.repeat(views, 0), texture.repeat(views, 0), own, template, size)
        for shape, texture, own in every
    ]
    return Rendered(*map(np.stack, zip(*rendered, strict=True)))


def silhouettes(
    vertices: NDArray[np.floating],  # [B, V, 3]
    cameras: NDArray[np.float32],  # [B, K, 5]
    template: Template,
    size: int,
) -> NDArray[np.float32]:
    """Masks [B, K, R, R] alone, as `render_views` has them, in a third of the time."""
    samples = _samples(size)
    masks = np.empty((*cameras.shape[:2], size, size), np.float32)
    for number, shape in enumerate(vertices):
        repeated = np.repeat(shape[None], cameras.shape[1], 0).astype(np.float32)
        view, side = look(repeated, cameras[number], template), size * samples
        seen = visible_faces(view.corners, view.corners_z, side, side, view.facing)
        blocks = (seen.face_index >= 0).reshape(-1, size, samples, size, samples)
        masks[number] = blocks.mean(axis=(2, 4), dtype=np.float32)
    return masks


def as_pixels(images: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values in 0..1 as 0..255."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
