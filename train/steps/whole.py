"""Training of a whole inverse graphics network on cut-outs with known cameras.

The camera learns from the labels. Shape and texture learn from renderings, crosswise where there
are two cut-outs of an object; so do distance and offset, which need no label.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from train.config import InverseConfig
from train.data.augmentation import BatchRandom
from train.data.cutouts import CutOuts
from train.losses.multiview import MultiviewLoss
from train.models.inverse_graphics import InverseGraphics, Prediction
from train.renderer.render import Renderer
from train.running.device import Device
from train.steps.framing import compared, framed

OBJECTS = 24
"""Of each step, with two cut-outs each."""
FACES_PER_PIXEL = 60
"""Faces that a soft mask's pixel takes into account."""


def network_loss_of(network: InverseGraphics, data: CutOuts, seed: int) -> Callable[[int], Tensor]:
    """The loss of each step, of `OBJECTS` objects: a function of the seed, the step and the
    weights. Eq. 1 with the weights of stage inverse, without the perceptual term."""
    device, settings = Device(), InverseConfig()
    renderer = Renderer(network.template, network.shape_side, knum=FACES_PER_PIXEL)
    renderer.sharpen(settings.last_sigmainv)
    loss = MultiviewLoss(renderer, None, settings)
    objects = torch.arange(OBJECTS).repeat_interleave(2)

    def loss_of(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        taken = data.sample_pairs(OBJECTS, generator)
        shown = framed(taken, BatchRandom(generator, len(objects)), network.shape.size)
        views = compared(shown, objects, renderer.size)
        images = views.seen.contiguous(memory_format=torch.channels_last)
        with device.autocast():
            prediction = network(images, views.seen_masks[:, None])
        prediction = Prediction(*(value.float() for value in prediction))
        return loss.total(loss.terms(views, prediction))

    return loss_of
