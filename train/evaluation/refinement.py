"""Test-time steps: a prediction fitted to its own photograph, through the renderer.

Shape, texture and camera start from what the network says and move towards what the photograph
shows: its mask and its colours (eq. 1 of the paper, one view). What one view cannot see follows by
symmetry and smoothness: vertices keep the mirror symmetry of the template, their moves are
smooth over the mesh, and the texture's change is mirrored where its uvs are.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphics.mesh import Template
from graphics.mirror import uvs_are_mirrored
from train.evaluation.benchmark import Predicted, Predictor
from train.losses.multiview import color_loss, flatten_loss, laplacian_loss
from train.renderer.render import Renderer, Rendering

SHARPNESS = 30_000.0
"""1 / sigma of the soft mask; see `train.evaluation.oracle`."""
MASK_WEIGHT, COLOUR_WEIGHT = 1.0, 0.5
SMOOTH_WEIGHT, SMALL_WEIGHT, FLATTEN_WEIGHT = 100.0, 0.5, 0.02
"""Weights of the moves' Laplacian, of their size, and of the angles between faces."""
SHAPE_RATE, TEXTURE_RATE = 4e-3, 0.03
"""Adam's learning rates, in object units and in logits."""
CAMERA_RATES = (0.5, 0.5, 0.02, 0.005, 0.005)
"""Per step: degrees, degrees, object units, image units."""
LOGIT_LIMIT = 1e-3
"""Colours are kept this far from 0 and 1, where logits are infinite."""


def refine(
    read: Predicted,
    images: NDArray[np.uint8],  # [B, R, R, 3]
    template: Template,
    steps: int,
) -> Predicted:
    """Move predictions towards their photographs; masks and confidences stay.

    Every photograph is fitted by itself: its result does not depend on the others.
    """
    renderer = Renderer(template, images.shape[1], SHARPNESS, boxlen=0.08, knum=60)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    masks = torch.from_numpy(np.ascontiguousarray(read.masks)).float()
    start = Start(read, template)
    movable = (start.vertices, start.logits, start.cameras)
    changes = [torch.zeros_like(each, requires_grad=True) for each in movable]
    rates = (SHAPE_RATE, TEXTURE_RATE, 1.0)
    groups = [{"params": [x], "lr": rate} for x, rate in zip(changes, rates, strict=True)]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.1 ** (step / steps))
    for _ in range(steps):
        vertices, textures, cameras = start.moved(*changes)
        rendering = renderer(vertices, textures, cameras)
        loss = _explains(rendering, pixels, masks)
        moves = vertices - start.vertices
        loss = loss + SMOOTH_WEIGHT * laplacian_loss(moves, template) * len(images)
        loss = loss + SMALL_WEIGHT * moves.square().sum(-1).mean(1).sum()
        loss = loss + FLATTEN_WEIGHT * flatten_loss(vertices, template) * len(images)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        vertices, textures, cameras = start.moved(*changes)
    return read._replace(
        vertices=vertices.numpy(),
        textures=textures.permute(0, 2, 3, 1).numpy(),
        cameras=cameras.numpy(),
    )


class RefinedPredictor:
    """Another predictor, and test-time steps after it."""

    def __init__(self, predictor: Predictor, steps: int) -> None:
        self.predictor, self.template, self.steps = predictor, predictor.template, steps

    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """Read photographs [B, R, R, 3]."""
        return refine(self.predictor.predict(images), images, self.template, self.steps)


class Start:
    """The predictions that refinement starts from."""

    def __init__(self, read: Predicted, template: Template) -> None:
        self.vertices = torch.from_numpy(np.array(read.vertices, np.float32))
        colours = torch.from_numpy(np.array(read.textures, np.float32)).permute(0, 3, 1, 2)
        colours = colours.clamp(LOGIT_LIMIT, 1 - LOGIT_LIMIT)
        self.logits = colours.log() - (1 - colours).log()
        self.cameras = torch.from_numpy(np.array(read.cameras, np.float32))
        own = np.arange(len(template.mirror))
        mirror = template.mirror if template.symmetric else own
        self.mirror = torch.from_numpy(mirror).long()
        self.reflection = torch.tensor([-1.0 if template.symmetric else 1.0, 1.0, 1.0])
        self.mirrors_texture = uvs_are_mirrored(template)

    def moved(
        self,
        offsets: Tensor,  # [B, V, 3] of the vertices, before they are made symmetric
        texture: Tensor,  # [B, 3, Ht, Wt] added to the logits, before it is made symmetric
        camera: Tensor,  # [B, 5] in steps of CAMERA_RATES
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Vertices [B, V, 3], textures [B, 3, Ht, Wt] and cameras [B, 5] after these changes."""
        reflected = offsets.index_select(1, self.mirror) * self.reflection
        if self.mirrors_texture:
            texture = (texture + texture.flip(-1)) / 2
        return (
            self.vertices + (offsets + reflected) / 2,
            torch.sigmoid(self.logits + texture),
            self.cameras + camera * torch.tensor(CAMERA_RATES),
        )


def _explains(rendering: Rendering, images: Tensor, masks: Tensor) -> Tensor:
    """Mask and colour terms, summed over the photographs so that none weighs on another."""
    both = (rendering.masks * masks).sum((1, 2))
    either = (rendering.masks + masks - rendering.masks * masks).sum((1, 2))
    overlap = (1 - both / either.clamp(min=1e-6)).sum()
    inside = masks * (rendering.face_index >= 0)
    colours = [
        color_loss(rendered[None], image[None], mask[None])
        for rendered, image, mask in zip(rendering.images, images, inside, strict=True)
    ]
    return MASK_WEIGHT * overlap + COLOUR_WEIGHT * torch.stack(colours).sum()
