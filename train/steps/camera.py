"""Training of the camera encoder and its head alone, on cut-outs with known cameras."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphics.camera import DISTANCE
from train.data.augmentation import BatchRandom
from train.data.cutouts import CutOuts
from train.losses.multiview import camera_loss, distance_loss
from train.models.inverse_graphics import InverseGraphics
from train.running.device import Device
from train.steps.framing import framed

BATCH = 64


class CameraPart(nn.Module):
    """The modules of an inverse graphics network that estimate the camera, shared with it."""

    def __init__(self, network: InverseGraphics) -> None:
        super().__init__()
        self.encoder, self.head = network.camera_encoder, network.camera_head


def camera_loss_of(network: InverseGraphics, data: CutOuts, seed: int) -> Callable[[int], Tensor]:
    """The loss of each step, of `BATCH` cut-outs: a function of the seed, the step and the
    weights."""
    device = Device()
    size = network.shape.size

    def loss_of(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        taken = data.sample(BATCH, generator)
        views = framed(taken, BatchRandom(generator, BATCH), size)
        images = views.changed.seen.contiguous(memory_format=torch.channels_last)
        with device.autocast():
            predicted, _, logits = network.camera(images, views.given_masks[:, None])
        predicted, logits = predicted.float(), logits.float()
        distances = distance_loss(predicted, views.cameras[:, DISTANCE])
        return camera_loss(logits, predicted, views.cameras) + distances

    return loss_of
