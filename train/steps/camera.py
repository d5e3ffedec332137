"""Training of the camera encoder and its head alone, on cut-outs with known cameras."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphics.camera import DISTANCE
from train.data.augmentation import BatchRandom, cut_out_views, ragged
from train.data.cutouts import CutOuts
from train.data.stream import mirrored_cameras
from train.losses.multiview import camera_loss, distance_loss
from train.models.inverse_graphics import InverseGraphics
from train.running.device import Device

BATCH = 64


class CameraPart(nn.Module):
    """The parameters of an inverse graphics network that estimate the camera."""

    def __init__(self, network: InverseGraphics) -> None:
        super().__init__()
        self.encoder, self.head = network.camera_encoder, network.camera_head


def camera_loss_of(network: InverseGraphics, data: CutOuts, seed: int) -> Callable[[int], Tensor]:
    """The loss of each step: a function of the seed, the step and the weights."""
    device = Device()
    size = network.shape.size

    def loss_of(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        taken = data.sample(BATCH, generator)
        random = BatchRandom(generator, BATCH)
        changed = cut_out_views(taken.images, taken.masks, random, size)
        mirrored = changed.mirrored[:, None]
        cameras = torch.where(mirrored, mirrored_cameras(taken.cameras), taken.cameras)
        distances = cameras[:, DISTANCE] * changed.distances
        masks = ragged(changed.masks, random)[:, None]
        images = changed.seen.contiguous(memory_format=torch.channels_last)
        with device.autocast():
            predicted, _, logits = network.camera(images, masks)
        predicted, logits = predicted.float(), logits.float()
        return camera_loss(logits, predicted, cameras) + distance_loss(predicted, distances)

    return loss_of
