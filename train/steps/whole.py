"""Training of a whole inverse graphics network on cut-outs with known cameras.

The camera learns from the labels. Shape and texture learn from renderings, crosswise where there
are two cut-outs of an object; so do distance and offset, which need no label.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from train.config import InverseConfig
from train.data.augmentation import BatchRandom
from train.data.cutouts import CutOuts
from train.losses.multiview import MultiviewLoss, Views
from train.models.inverse_graphics import InverseGraphics, Prediction
from train.renderer.render import Renderer
from train.running.device import Device
from train.steps.framing import compared, framed

OBJECTS = 24
"""Of each step, with two cut-outs each."""
FACES_PER_PIXEL = 60
"""Faces that a soft mask's pixel takes into account."""
DRAWN = 8
"""Steps' cut-outs that are drawn and changed at a time."""
TIMES = 3
"""So often each of them is learned from where the camera's encoder stays: to draw, to change and
to encode them costs more than half of a step."""

Drawn = tuple[Views, Tensor | None]
"""Views, and the codes of their cameras [N, C] where these stay as they are."""


def network_loss_of(network: InverseGraphics, data: CutOuts, seed: int) -> Callable[[int], Tensor]:
    """The loss of each step, of `OBJECTS` objects: a function of the seed, the step and the
    weights. Eq. 1 with the weights of stage inverse, without the perceptual term."""
    device, settings = Device(), InverseConfig()
    renderer = Renderer(network.template, network.shape_side, knum=FACES_PER_PIXEL)
    renderer.sharpen(settings.last_sigmainv)
    loss = MultiviewLoss(renderer, None, settings)

    @lru_cache(maxsize=1)
    def drawn(number: int, stays: bool) -> Drawn:
        generator = _generator(seed, number)
        count = OBJECTS * DRAWN
        taken = data.sample_pairs(count, generator)
        shown = framed(taken, BatchRandom(generator, 2 * count), network.shape.size)
        views = compared(shown, torch.arange(count).repeat_interleave(2), renderer.size)
        if not stays:
            return views, None
        with torch.no_grad(), device.autocast():
            halves = (value.split(2 * OBJECTS) for value in (views.seen, views.seen_masks))
            parts = [
                network.encoded_camera(seen, masks[:, None])
                for seen, masks in zip(*halves, strict=True)
            ]
        return views, torch.cat(parts).float()

    def loss_of(step: int) -> Tensor:
        stays = not any(weight.requires_grad for weight in network.camera_encoder.parameters())
        number, within = divmod(step, DRAWN * (TIMES if stays else 1))
        views, codes = _of_step(drawn(number, stays), within, _generator(seed, number))
        images = views.seen.contiguous(memory_format=torch.channels_last)
        with device.autocast():
            prediction = network(images, views.seen_masks[:, None], codes)
        prediction = Prediction(*(value.float() for value in prediction))
        return loss.total(loss.terms(views, prediction))

    return loss_of


def _generator(seed: int, number: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed * 1_000_003 + number)


def _of_step(drawn: Drawn, within: int, generator: torch.Generator) -> Drawn:
    """The views of one step, the `within`-th of those that learn from what was drawn: in another
    order each time."""
    views, codes = drawn
    time, part = divmod(within, DRAWN)
    orders = [torch.randperm(OBJECTS * DRAWN, generator=generator) for _ in range(time + 1)]
    objects = orders[-1][part * OBJECTS : (part + 1) * OBJECTS]
    rows = torch.stack((2 * objects, 2 * objects + 1), dim=1).flatten()
    chosen = Views(*(value[rows.to(value.device)] for value in views))
    return chosen, None if codes is None else codes[rows.to(codes.device)]
