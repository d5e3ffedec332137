"""How well what a network reads from photographs explains them: their masks, rendered again."""

import numpy as np
import torch
from numpy.typing import NDArray

from train.metrics.mask_iou import mask_iou
from train.models.inverse_graphics import InverseGraphics, resized
from train.models.serving_graphs import channels_first
from train.renderer.render import Renderer

BATCH = 32


@torch.no_grad()
def rerender_iou(network: InverseGraphics, images: NDArray[np.uint8]) -> float:
    """Mean IoU of the silhouettes of cut-outs [N, R, R, 4], predicted and given."""
    renderer = Renderer(network.template, network.shape_side)
    ious = []
    for start in range(0, len(images), BATCH):
        pixels = channels_first(torch.from_numpy(np.array(images[start : start + BATCH])))
        found = network(pixels[:, :3], pixels[:, 3:])
        rendered = renderer(found.vertices, found.textures, found.cameras).face_index >= 0
        given = resized(pixels[:, 3:], network.shape_side)[:, 0] > 0.5
        ious.append(mask_iou(rendered.numpy(), given.numpy()))
    return float(np.concatenate(ious).mean())
