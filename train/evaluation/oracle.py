"""The oracle: the bundle's template fitted to the ground truth itself, object by object.

What is left between a bundle and this row is the network's to gain; what is left above it is the
representation's: its topology, its number of vertices, its texture's size. The fit sees what no
network sees: 20 true views all round and the true surface. It minimises terms of eq. 1 (mask,
colour, Laplacian, flattening) through the differentiable renderer, and the distance of surfaces.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from graphics.camera import AZIMUTH, NOMINAL_DISTANCE
from graphics.mesh import Template
from train.data.held_out import HeldOut, ObjectSource, Pictures
from train.evaluation.benchmark import Predicted
from train.losses.multiview import color_loss, flatten_loss, iou_loss, laplacian_loss
from train.metrics.shape_comparison import Shape
from train.models.heads import azimuth_targets
from train.renderer.render import Renderer
from train.running.progress import ignore_progress

VIEWS = 20
ELEVATIONS_DEGREES = (-20, 0, 15, 30, 60)
"""Elevations of the views, taken in turn."""
VIEWS_PER_STEP = 4
POINTS = 1500
"""Points of the true surface that look for their nearest vertex at each step."""
SHARPNESS = 60_000.0
"""1 / sigma of the soft mask. A softer one shrinks the outlines of the fit: at 7,000 and 64 px the
silhouettes in novel views lose 0.03 of IoU."""
MASK_WEIGHT, COLOUR_WEIGHT, SURFACE_WEIGHT = 2.0, 1.0, 100.0
LAPLACIAN_WEIGHT, FLATTEN_WEIGHT = 10.0, 0.05
SHAPE_RATE, TEXTURE_RATE = 8e-3, 0.1
"""Adam's learning rates, in object units and in logits; both fall to a tenth."""


def oracle(
    source: ObjectSource,
    truth: HeldOut,  # of the first N objects of the source
    template: Template,
    texture_size: tuple[int, int],
    steps: int,
    on_progress: Callable[[int], None] = ignore_progress,
) -> Predicted:
    """Fit every object of `truth`; masks and cameras are the true ones.

    `on_progress`: gets the number of objects done.
    """
    size = truth.images.shape[1]
    cameras = fitting_cameras()
    fits = []
    for index, shape in enumerate(truth.shapes):
        views = source.views(np.full(VIEWS, index), cameras, size)
        fits.append(fit(views, shape, template, texture_size, steps))
        on_progress(len(fits))
    vertices, textures = map(np.stack, zip(*fits, strict=True))
    masks, certain = truth.masks / np.float32(255), np.ones(len(fits), np.float32)
    azimuths = azimuth_targets(torch.from_numpy(truth.cameras[:, AZIMUTH])).numpy()
    return Predicted(masks, vertices, textures, truth.cameras, certain, azimuths)


def fitting_cameras() -> NDArray[np.float32]:
    """The 20 cameras [20, 5] of a fit: all round, from below to high above."""
    cameras = np.zeros((VIEWS, 5), np.float32)
    cameras[:, 0] = np.arange(VIEWS) * (360 / VIEWS)
    cameras[:, 1] = np.resize(ELEVATIONS_DEGREES, VIEWS)
    cameras[:, 2] = NOMINAL_DISTANCE
    return cameras


def fit(
    views: Pictures, shape: Shape, template: Template, texture_size: tuple[int, int], steps: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit the template to one object; the same result for the same object.

    Returns the vertices [V, 3] and the texture [Ht, Wt, 3] in 0..1.
    """
    random = torch.Generator().manual_seed(0)
    renderer = Renderer(template, views.images.shape[1], SHARPNESS, boxlen=0.08, knum=60)
    images = torch.from_numpy(views.images).permute(0, 3, 1, 2).float() / 255
    masks = torch.from_numpy(views.masks).float() / 255
    cameras = torch.from_numpy(views.cameras)
    vertices = torch.from_numpy(_ellipsoid(template, shape)).requires_grad_()
    texture = torch.zeros(1, 3, *texture_size, requires_grad=True)
    surface = _Surface(shape)
    optimizer = torch.optim.Adam(
        [{"params": [vertices], "lr": SHAPE_RATE}, {"params": [texture], "lr": TEXTURE_RATE}],
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.1 ** (step / steps))
    for _ in range(steps):
        chosen = torch.randperm(VIEWS, generator=random)[:VIEWS_PER_STEP]
        rendered = renderer(
            vertices.expand(VIEWS_PER_STEP, -1, -1),
            torch.sigmoid(texture).expand(VIEWS_PER_STEP, -1, -1, -1),
            cameras[chosen],
        )
        both = masks[chosen] * (rendered.face_index >= 0)
        loss = MASK_WEIGHT * iou_loss(rendered.masks, masks[chosen])
        loss = loss + COLOUR_WEIGHT * color_loss(rendered.images, images[chosen], both)
        loss = loss + SURFACE_WEIGHT * surface.distance(vertices[0], random)
        loss = loss + LAPLACIAN_WEIGHT * laplacian_loss(vertices, template)
        loss = loss + FLATTEN_WEIGHT * flatten_loss(vertices, template)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    picture = torch.sigmoid(texture.detach())[0].permute(1, 2, 0)
    return vertices.detach()[0].numpy(), picture.numpy()


def _ellipsoid(template: Template, shape: Shape) -> NDArray[np.float32]:
    """The template [1, V, 3] stretched into the true shape's bounding box."""
    used = shape.vertices[np.unique(shape.faces)]
    low, high = used.min(axis=0), used.max(axis=0)
    own_low, own_high = template.vertices.min(0), template.vertices.max(0)
    placed = (template.vertices - (own_low + own_high) / 2) / (own_high - own_low)
    return ((low + high) / 2 + placed * (high - low))[None].astype(np.float32)


class _Surface:
    """The true surface, as far as it is not buried."""

    def __init__(self, shape: Shape) -> None:
        centre, longest = shape.box
        self.points = shape.solid.points * longest + centre
        self.tree = KDTree(self.points)

    def distance(self, vertices: Tensor, random: torch.Generator) -> Tensor:
        """Mean squared distance of vertices [V, 3] and surface to each other."""
        positions = vertices.detach().numpy()
        chosen = torch.randint(len(self.points), (POINTS,), generator=random).numpy()
        asking = torch.from_numpy(self.points[chosen]).float()
        nearest_vertex = torch.from_numpy(KDTree(positions).query(self.points[chosen])[1])
        nearest_point = torch.from_numpy(self.points[self.tree.query(positions)[1]]).float()
        there = (vertices - nearest_point).square().sum(-1).mean()
        back = (vertices.index_select(0, nearest_vertex) - asking).square().sum(-1).mean()
        return there + back
