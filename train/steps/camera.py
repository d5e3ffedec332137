"""Training of what estimates the camera alone, on cut-outs with known cameras."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from graphics.camera import DISTANCE
from train.data.augmentation import BatchRandom
from train.data.cutouts import CutOuts
from train.losses.multiview import camera_loss, distance_loss
from train.models.inverse_graphics import InverseGraphics
from train.running.device import Device
from train.steps.framing import framed

BATCH = 40
SIDE = 160
"""Pixels of the tightly framed cut-outs, of which the encoder takes the middle."""
NEW = 5.0
"""How many times as fast what starts anew learns as the pretrained trunk."""


class CameraPart(nn.Module):
    """The modules of an inverse graphics network that estimate the camera, shared with it."""

    def __init__(self, network: InverseGraphics) -> None:
        super().__init__()
        self.encoder, self.head = network.camera_encoder, network.camera_head

    def groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Parameters for an optimiser; `learning_rate`: of the trunk."""
        trunk = self.encoder.get_submodule("trunk")
        pretrained = [each for each in trunk.parameters() if each.requires_grad]
        known = {id(each) for each in trunk.parameters()}
        new = [each for each in self.parameters() if id(each) not in known]
        return [
            {"params": pretrained, "lr": learning_rate},
            {"params": new, "lr": NEW * learning_rate},
        ]


def camera_loss_of(network: InverseGraphics, data: CutOuts, seed: int) -> Callable[[int], Tensor]:
    """The loss of each step, of `BATCH` cut-outs: a function of the seed, the step and the
    weights."""
    device = Device()

    def loss_of(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        taken = data.sample(BATCH, generator)
        views = framed(taken, BatchRandom(generator, BATCH), SIDE, tight=True)
        images = views.changed.seen.contiguous(memory_format=torch.channels_last)
        with torch.random.fork_rng(devices=[]), device.autocast():
            torch.manual_seed(seed * 1_000_003 + step)  # of dropout and the squares
            predicted, _, logits = network.camera(images, views.given_masks[:, None])
        predicted, logits = predicted.float(), logits.float()
        distances = distance_loss(predicted, views.cameras[:, DISTANCE])
        return camera_loss(logits, predicted, views.cameras) + distances

    return loss_of
