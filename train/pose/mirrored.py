"""Cameras that an inverse graphics network predicts from an image and from its mirror image."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from graphics.camera import (
    AZIMUTH,
    CAMERA_SIZE,
    OFFSET_X,
    azimuth_difference_degrees,
    wrap_degrees,
)
from train.models.inverse_graphics import InverseGraphics
from train.models.segmenter import Segment
from train.pose.labels import Labels


@torch.inference_mode()
def estimate_both_ways(
    network: InverseGraphics,
    segment: Segment,
    images: Tensor,  # [B, 3, R, R] in 0..1, shrunk to the network's size
) -> Labels:
    """The mean camera of every image and its mirror image."""
    images = F.interpolate(images, size=(network.shape.size,) * 2, mode="area")
    masks = segment(images)
    given = torch.cat([images, images.flip(-1)]).contiguous(memory_format=torch.channels_last)
    both = network(given, torch.cat([masks, masks.flip(-1)])[:, None])
    cameras, mirrored = both.cameras.double().cpu().numpy().reshape(2, -1, CAMERA_SIZE)
    mirrored[:, [AZIMUTH, OFFSET_X]] *= -1
    signed = wrap_degrees(mirrored[:, AZIMUTH] - cameras[:, AZIMUTH])
    mean = (cameras + mirrored) / 2
    mean[:, AZIMUTH] = wrap_degrees(cameras[:, AZIMUTH] + signed / 2)
    confidences = both.confidences.cpu().numpy().reshape(2, -1).mean(axis=0)
    apart = azimuth_difference_degrees(mirrored[:, AZIMUTH], cameras[:, AZIMUTH])
    return Labels(*(values.astype(np.float32) for values in (mean, confidences, apart)))
