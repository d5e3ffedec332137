"""Predictions of an inverse graphics network as rows of pictures for people to look at."""

import torch
from torch import Tensor
from torch.nn import functional

from graphics.camera import NOMINAL_DISTANCE
from train.losses.multiview import COVERED
from train.models.inverse_graphics import InverseGraphics
from train.renderer.render import Renderer

AZIMUTHS = (35.0, 125.0, 215.0, 305.0)
"""Degrees from which every prediction is shown, beside its own camera."""
ELEVATION = 15.0
"""Degrees, of these."""
GREY = 0.5
"""Around the object."""


@torch.no_grad()
def pictures_of(
    network: InverseGraphics,
    renderer: Renderer,
    images: Tensor,  # [B, 3, R, R] in 0..1
    masks: Tensor,  # [B, R, R] in 0..1
) -> Tensor:  # [B, 8, 3, R, R]
    """Input | re-render | error | four other views | texture.

    The error is the absolute difference of the first two inside the mask, black outside: where the
    prediction leaves a part of the mask uncovered, its colour is compared with grey.
    """
    prediction = network(images, masks[:, None])
    given = _on_grey(images, masks[:, None])
    others = [[azimuth, ELEVATION, NOMINAL_DISTANCE, 0, 0] for azimuth in AZIMUTHS]
    turned = prediction.cameras.new_tensor(others)
    views = []
    for cameras in (prediction.cameras, *turned[:, None].expand(-1, len(images), -1)):
        rendering = renderer(prediction.vertices, prediction.textures, cameras)
        views.append(_on_grey(rendering.images, (rendering.masks > COVERED).float()[:, None]))
    error = (views[0] - given).abs() * masks[:, None]
    texture = _fitted(prediction.textures, images.shape[-1])
    return torch.stack([given, views[0], error, *views[1:], texture], 1)


def _on_grey(images: Tensor, masks: Tensor) -> Tensor:
    return images * masks + GREY * (1 - masks)


def _fitted(textures: Tensor, size: int) -> Tensor:  # [B, 3, Ht, Wt] -> [B, 3, size, size]
    """Textures as wide or high as a picture, in the middle of grey."""
    height, width = textures.shape[-2:]
    scale = size / max(height, width)
    inside = (max(round(height * scale), 1), max(round(width * scale), 1))
    resized = functional.interpolate(
        textures, inside, mode="bilinear", align_corners=False, antialias=True
    )
    top, left = (size - inside[0]) // 2, (size - inside[1]) // 2
    padding = (left, size - inside[1] - left, top, size - inside[0] - top)
    return functional.pad(resized, padding, value=GREY)
