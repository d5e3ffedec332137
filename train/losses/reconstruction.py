"""Eq. 1 of the paper: how well a rendering explains an image. Mesh terms: `train.losses.mesh`."""

import torch
from torch import Tensor

from graphics.camera import DISTANCE, NOMINAL_DISTANCE
from train.models.camera_features import DISTANCE_SCALE
from train.models.camera_head import azimuth_targets

SMALLEST_LENGTH = 1e-6
"""Product of two feature vectors' lengths below which they count as at right angles."""


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
    an unlabelled elevation (nan), need no target: the rendering uses the head's own.
    """
    cameras = cameras.detach()
    azimuth = -(azimuth_targets(cameras[:, 0]) * logits.log_softmax(-1)).sum(-1).mean()
    labelled = ~cameras[:, 1].isnan()
    apart = (predicted[:, 1] - cameras[:, 1].nan_to_num()).abs()
    elevation = torch.where(labelled, apart, 0.0).mean() / 10
    return azimuth + elevation


def distance_loss(predicted: Tensor, distances: Tensor) -> Tensor:
    """Ours: the camera head's distances against their labels; size and distance explain each other.

    `predicted`: [B, 5]; `distances`: [B] object units. The absolute error in tenths of the
    distance; where it is unlabelled (nan) the head's own stays near the nominal one.
    """
    labelled = ~distances.isnan()
    apart = (predicted[:, DISTANCE] / distances.nan_to_num(NOMINAL_DISTANCE)).log()
    return torch.where(labelled, apart.abs() / DISTANCE_SCALE, apart.square()).mean()
