"""Views of single objects as the network is shown them in training: cut out, changed, labelled."""

from typing import NamedTuple

import torch
from torch import Tensor

from graphics.camera import DISTANCE
from train.data.augmentation import Augmented, BatchRandom, cut_out_views, ragged
from train.data.stream import LabelledViews, mirrored_cameras
from train.losses.multiview import Views
from train.models.inverse_graphics import resized


class FramedViews(NamedTuple):
    """B views."""

    changed: Augmented
    """Of the side that was asked for; its masks are exact."""
    given_masks: Tensor
    """[B, R, R] in 0..1: as a segmenter leaves them, for the network."""
    cameras: Tensor
    """[B, 5] of the changed images; nan where unlabelled; the offsets mean nothing."""


def framed(
    views: LabelledViews, random: BatchRandom, size: int, tight: bool = False
) -> FramedViews:
    """Frame views as the service frames what it cuts out, in images of size x size pixels, or
    tightly."""
    changed = cut_out_views(views.images, views.masks, random, size, tight)
    cameras = torch.where(changed.mirrored[:, None], mirrored_cameras(views.cameras), views.cameras)
    cameras[:, DISTANCE] = cameras[:, DISTANCE] * changed.distances
    return FramedViews(changed, ragged(changed.masks, random), cameras)


def compared(views: FramedViews, objects: Tensor, side: int) -> Views:
    """What renderings of side x side pixels are compared with; `objects`: as those of `Views`."""
    changed = views.changed
    images, masks = resized(changed.images, side), resized(changed.masks[:, None], side)[:, 0]
    return Views(images, masks, changed.seen, views.given_masks, views.cameras, objects)
