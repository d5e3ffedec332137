"""Training of what estimates the camera alone, on cut-outs with known cameras."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from graphics.camera import DISTANCE, ELEVATION
from train.data.augmentation import BatchRandom
from train.data.cutouts import CutOuts
from train.losses.multiview import camera_loss, distance_loss
from train.models.inverse_graphics import InverseGraphics
from train.running.device import Device
from train.steps.framing import framed

BATCH = 40
SIDE = 192
"""Pixels of the tightly framed cut-outs, of which the encoder takes the middle."""
NEW = 8.0
"""How many times as fast what starts anew learns as the pretrained trunk."""
RISE = 0.1
"""Share of the steps in which the learning rate rises."""
AZIMUTH_SHARE = 0.7
"""The azimuth's share of the loss; the rest is the whole camera's. It is what the trunk is for."""
EXCHANGED = 0.3
"""Share of the images whose colour channels are exchanged: paint may have any colour."""
LARGEST_GAMMA = 0.3  # of the tone curve, in the logarithm
LARGEST_SATURATION = 1.3


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
        seen = repainted(views.changed.seen, BatchRandom(generator, BATCH))
        images = seen.contiguous(memory_format=torch.channels_last)
        with torch.random.fork_rng(devices=[]), device.autocast():
            torch.manual_seed(seed * 1_000_003 + step)  # of dropout and the squares
            predicted, _, logits = network.camera(images, views.given_masks[:, None])
        predicted, logits = predicted.float(), logits.float()
        azimuths = views.cameras.clone()
        azimuths[:, ELEVATION] = torch.nan
        whole = camera_loss(logits, predicted, views.cameras) + distance_loss(
            predicted, views.cameras[:, DISTANCE]
        )
        return torch.lerp(whole, camera_loss(logits, predicted, azimuths), AZIMUTH_SHARE)

    return loss_of


def repainted(images: Tensor, random: BatchRandom) -> Tensor:
    """Images [B, 3, R, R] in 0..1 with other paint and under other light."""
    orders = random.uniform(3).argsort(dim=1)
    kept = (random.uniform(1) >= EXCHANGED).expand_as(orders)
    orders = torch.where(kept, torch.arange(3), orders).to(images.device)
    images = images.gather(1, orders[:, :, None, None].expand_as(images))
    gamma = (random.spread(1, 1, 1) * LARGEST_GAMMA).exp().to(images)
    images = images.clamp(min=1e-4) ** gamma
    grey = images.mean(dim=1, keepdim=True)
    saturation = (random.uniform(1, 1, 1) * LARGEST_SATURATION).to(images)
    return torch.lerp(grey, images, saturation).clamp(0, 1)
