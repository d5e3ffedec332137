"""Eq. 1 and 2 of the paper together: predictions rendered into their object's views."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from graphics.camera import DISTANCE
from train.config import InverseConfig
from train.losses.mesh import flatten_loss, laplacian_loss, movement_loss
from train.losses.reconstruction import (
    camera_loss,
    color_loss,
    distance_loss,
    iou_loss,
    perceptual_loss,
)
from train.models.inverse_graphics import Prediction, completed
from train.renderer.render import Renderer

COVERED = 0.999  # soft masks are exactly 1 where a face covers the pixel


class Views(NamedTuple):
    """N images of objects that have one or more views each."""

    images: Tensor  # [N, 3, R, R] in 0..1: what a rendering has to explain
    seen: Tensor  # [N, 3, R, R] in 0..1: what the network sees
    masks: Tensor  # [N, R, R] in 0..1
    cameras: Tensor
    """[N, 5]: azimuth and elevation of the viewpoint, optimised; elevation and distance nan where
    unlabelled; the offsets are not used."""
    objects: Tensor  # int64 [N], on the CPU: images of one number are views of one object


def crosswise(objects: Tensor) -> tuple[Tensor, Tensor]:
    """Which prediction is rendered into which image, for images of these objects, int64 [N].

    Every prediction goes into every view of its own object: of two views 0>0 0>1 1>0 1>1.
    """
    source, target = (objects[:, None] == objects).nonzero().unbind(1)
    return source, target


def farthest(objects: Tensor, source: Tensor, target: Tensor) -> Tensor:  # bool, as source
    """The most informative renderings: into another view; into its own where there is no other."""
    alone = (objects[:, None] == objects).sum(1) == 1
    return (source != target) | alone[source]


class MultiviewLoss:
    """Renders predictions crosswise and weighs the terms of eq. 1."""

    def __init__(
        self,
        renderer: Renderer,
        features: Callable[[Tensor], list[Tensor]],
        settings: InverseConfig,
    ) -> None:
        """`features`: images in 0..1 -> list of feature maps, for the perceptual term."""
        self.renderer, self.features, self.settings = renderer, features, settings

    def terms(self, views: Views, prediction: Prediction, perceptual: bool) -> dict[str, Tensor]:
        """Every term, unweighted. Distance and offset of a camera are the prediction's own, and so
        is an unlabelled elevation."""
        cameras = completed(views.cameras, prediction.cameras)
        source, target = crosswise(views.objects)
        # index_select is several times faster than indexing where gradients are added up.
        predicted = source.to(cameras.device)
        rendering = self.renderer(
            prediction.vertices.index_select(0, predicted),
            prediction.textures.index_select(0, predicted),
            cameras[target],
        )
        images, masks = views.images[target], views.masks[target]
        both = masks * (rendering.masks.detach() > COVERED)
        template = self.renderer.template
        terms = {
            "color": color_loss(rendering.images, images, both),
            "iou": iou_loss(rendering.masks, masks),
            "flatten": flatten_loss(prediction.vertices, template),
            "laplacian": laplacian_loss(prediction.vertices, template),
            "movement": movement_loss(prediction.offsets),
            "camera": camera_loss(prediction.azimuth_logits, prediction.cameras, views.cameras),
            "distance": distance_loss(prediction.cameras, views.cameras[:, DISTANCE]),
        }
        if perceptual:
            # It is dear: one term per prediction, of every fourth one.
            chosen = farthest(views.objects, source, target).nonzero()[::4, 0]
            inside = both[chosen][:, None]
            ours, theirs = (
                torch.lerp(torch.full_like(shown, 0.5), shown, inside.expand_as(shown))
                for shown in (rendering.images[chosen], images[chosen])
            )
            terms["perceptual"] = perceptual_loss(self.features(ours), self.features(theirs))
        return terms

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """Eq. 1: the weighted sum."""
        weights = self.settings
        weight = {
            "color": weights.color_weight,
            "iou": weights.mask_weight,
            "perceptual": weights.perceptual_weight,
            "flatten": weights.flatten_weight,
            "laplacian": weights.laplacian_weight,
            "movement": weights.movement_weight,
            "camera": weights.camera_weight,
            "distance": weights.camera_weight,
        }
        return torch.stack([weight[name] * term for name, term in terms.items()]).sum()
