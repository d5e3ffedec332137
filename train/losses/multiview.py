"""The training objective of the inverse graphics network (paper, eq. 1 and 2).

Predictions are rendered into their object's views. The terms that compare images come first, then
those of the camera, then the priors on the shape. The priors are sparse over edges and gather
vertices as rows [V, 3, B], as in train.renderer.normals.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphics.camera import DISTANCE, NOMINAL_DISTANCE
from graphics.mesh import Template
from train.config import InverseConfig
from train.models.camera_features import DISTANCE_SCALE
from train.models.heads import azimuth_targets
from train.models.inverse_graphics import Prediction, completed
from train.renderer.normals import face_normal_rows
from train.renderer.render import Renderer

Features = Callable[[Tensor], list[Tensor]]
"""Images in 0..1 -> feature maps, for the perceptual term."""
COVERED = 0.999  # soft masks are exactly 1 where a face covers the pixel
SMALLEST_LENGTH = 1e-6
"""Product of two feature vectors' lengths below which they count as at right angles."""


class Views(NamedTuple):
    """N images of objects that have one or more views each."""

    images: Tensor  # [N, 3, R, R] in 0..1: what a rendering has to explain
    masks: Tensor  # [N, R, R] in 0..1
    seen: Tensor  # [N, 3, S, S] in 0..1: what the network sees
    seen_masks: Tensor  # [N, S, S] in 0..1: the mask that it is given
    cameras: Tensor
    """[N, 5]: azimuth and elevation of the viewpoint, optimised; angles and distance nan where
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
        self, renderer: Renderer, features: Features | None, settings: InverseConfig
    ) -> None:
        """`features`: None: there is no perceptual term."""
        self.renderer, self.features, self.settings = renderer, features, settings

    def terms(
        self, views: Views, prediction: Prediction, perceptual: bool = True
    ) -> dict[str, Tensor]:
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
        if perceptual and self.features is not None:
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


def color_loss(rendered: Tensor, images: Tensor, masks: Tensor) -> Tensor:
    """L_col: mean absolute difference inside the mask.

    `rendered`, `images`: [B, 3, H, W] in 0..1; `masks`: [B, H, W], where both show the object.
    """
    difference = (rendered - images).abs().mean(1) * masks
    return difference.sum() / masks.sum().clamp(min=1)


def iou_loss(rendered: Tensor, masks: Tensor) -> Tensor:
    """L_IOU: one minus the soft intersection over union of two masks [B, H, W], mean over B."""
    intersection = (rendered * masks).sum((1, 2))
    union = (rendered + masks - rendered * masks).sum((1, 2))
    return 1 - (intersection / union.clamp(min=1e-6)).mean()


def perceptual_loss(rendered: list[Tensor], images: list[Tensor]) -> Tensor:
    """L_percept: distance of two feature pyramids, each pixel's features scaled to unit length."""
    terms = [
        _unit_distances(ours.float(), theirs.detach().float()).mean()
        for ours, theirs in zip(rendered, images, strict=True)
    ]
    return torch.stack(terms).mean()


def _unit_distances(first: Tensor, second: Tensor) -> Tensor:
    """Squared distance of vectors scaled to unit length, [B, C, H, W] -> [B, H, W].

    Twice what their cosine lacks to one: the vectors themselves need no scaling.
    """
    lengths = first.square().sum(1) * second.square().sum(1)
    return 2 - 2 * (first * second).sum(1) * torch.rsqrt(lengths + SMALLEST_LENGTH**2)


def camera_loss(logits: Tensor, predicted: Tensor, cameras: Tensor) -> Tensor:
    """Ours: the camera head against the optimised cameras.

    `logits`: [B, bins] of the azimuth; `predicted`, `cameras`: [B, 5]. Cross-entropy of the
    azimuth's soft bins plus the elevation's absolute error in units of 10 degrees. The offset, and
    unlabelled angles (nan), need no target: the rendering uses the head's own.
    """
    cameras = cameras.detach()
    labelled, known = ~cameras[:, :2].isnan(), cameras[:, :2].nan_to_num()
    entropies = -(azimuth_targets(known[:, 0]) * logits.log_softmax(-1)).sum(-1)
    apart = (predicted[:, 1] - known[:, 1]).abs() / 10
    return torch.where(labelled, torch.stack((entropies, apart), dim=1), 0.0).sum(1).mean()


def distance_loss(predicted: Tensor, distances: Tensor) -> Tensor:
    """Ours: the camera head's distances against their labels; size and distance explain each other.

    `predicted`: [B, 5]; `distances`: [B] object units. The absolute error in tenths of the
    distance; where it is unlabelled (nan) the head's own stays near the nominal one.
    """
    labelled = ~distances.isnan()
    apart = (predicted[:, DISTANCE] / distances.nan_to_num(NOMINAL_DISTANCE)).log()
    return torch.where(labelled, apart.abs() / DISTANCE_SCALE, apart.square()).mean()


def laplacian(vertices: Tensor, template: Template) -> Tensor:
    """Mean of the neighbours minus the vertex itself, [B, V, 3] (uniform weights)."""
    rows = vertices.permute(1, 2, 0).contiguous()  # [V, 3, B]
    starts, ends = _indices(template.edges, vertices.device)
    degrees = torch.bincount(torch.cat([starts, ends]), minlength=len(rows))[:, None, None]
    sums = torch.zeros_like(rows)
    sums = sums.index_add(0, starts, rows.index_select(0, ends))
    sums = sums.index_add(0, ends, rows.index_select(0, starts))
    return (sums / degrees.to(rows.dtype) - rows).permute(2, 0, 1)


def laplacian_loss(vertices: Tensor, template: Template) -> Tensor:
    """L_lap = mean_v |laplacian_v|^2 of vertices [B, V, 3], or of offsets to keep the template's
    own curvature free of charge."""
    return laplacian(vertices, template).square().sum(-1).mean()


def flatten_loss(vertices: Tensor, template: Template) -> Tensor:
    """L_sm = mean_e (1 - cos theta_e)^2 of vertices [B, V, 3] (Liu et al. 2019, Soft Rasterizer).

    theta is the angle between the normals of the two faces at an edge: 0 where they are flat.
    """
    faces = torch.from_numpy(template.faces).to(vertices.device).long()
    normals = face_normal_rows(vertices, faces)
    first, second = _indices(template.edge_faces, vertices.device)
    cosines = (normals.index_select(0, first) * normals.index_select(0, second)).sum(1)  # [E, B]
    return (1 - cosines).square().mean()


def movement_loss(offsets: Tensor) -> Tensor:
    """L_mov = mean_v |o_v|^2 + mean_v |o_v - mean o|^2 of offsets [B, V, 3]: small and uniform."""
    spread = offsets - offsets.mean(dim=1, keepdim=True)
    return offsets.square().sum(-1).mean() + spread.square().sum(-1).mean()


def _indices(columns: NDArray[np.int32], device: torch.device) -> tuple[Tensor, ...]:
    """Each column of an index table [N, C] as an int64 tensor [N]."""
    return torch.from_numpy(columns).to(device).long().unbind(1)
