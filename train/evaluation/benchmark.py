"""The benchmark: how good a network is, on objects that no training ever saw.

One photograph of each object goes in, as a service would get it. Shape, texture and camera come
out and are compared with the exact ground truth. Whatever has `predict` can be measured: the
networks of a run (`train.stages.evaluate`), a bundle's ONNX graphs (`train.evaluate`), a baseline.

The novel views stand at least 30 degrees of azimuth away from the photograph, and the object is in
the middle of them. Three protocols say from where the prediction is seen in them:

- canonical (the headline, `iou2d_novel30`): azimuth and elevation of the TRUE novel camera, so that
  the prediction must lie in the canonical frame, its front where the front is. Nothing that the
  prediction said about its own azimuth is used, so a network cannot turn its mesh and its camera
  together and look right. Only the scale is forgiven: one photograph does not separate a small near
  object from a large far one, so the distance is the true one times predicted / true distance in
  the input view.
- relative (`iou2d_novel30_relative`): the predicted input camera rotated by as much as the true one
  is, same distances. Says how good the shape is, whichever way the prediction calls front: a mesh
  and a camera that are wrong by the same angle cancel. The milder one.
- absolute (`iou2d_novel30_absolute`): the true novel cameras as they are, so scale counts too.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, DISTANCE, ELEVATION
from graphics.mesh import Template
from train.data.held_out import HeldOut
from train.evaluation.renders import as_pixels, on_grey, render_on_grey, render_views, silhouettes
from train.metrics.camera_error import camera_errors
from train.metrics.image_quality import psnr, ssim
from train.metrics.mask_iou import mask_iou, solid
from train.metrics.shape_comparison import compare_shapes
from train.running.chunks import joined
from train.running.progress import ignore_progress

BATCH = 50
"""Photographs predicted at once."""
SHOWN_VIEWS = 4
"""Novel views of each object that pictures are kept of."""


class Predicted(NamedTuple):
    """A prediction for B photographs."""

    masks: NDArray[np.float32]
    """[B, R, R] in 0..1: where the object is thought to be."""
    vertices: NDArray[np.float32]
    """[B, V, 3] object units, canonical frame."""
    textures: NDArray[np.float32]
    """[B, Ht, Wt, 3] in 0..1, row 0 is v = 1."""
    cameras: NDArray[np.float32]
    """[B, 5]."""
    confidences: NDArray[np.float32]
    """[B] in 0..1."""
    azimuth_probabilities: NDArray[np.float32]
    """[B, 24], the bins of `graphics.azimuth`; sum 1."""


class Predictor(Protocol):
    """Whatever can be measured."""

    @property
    def template(self) -> Template:
        """Faces and uvs of the predicted shapes."""
        ...

    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """Read photographs [B, R, R, 3]."""
        ...


class ConstantShape:
    """A baseline: one shape and texture for every photograph, at another predictor's camera."""

    def __init__(
        self,
        cameras_from: Predictor,
        vertices: NDArray[np.floating],  # [V, 3]
        texture: NDArray[np.floating],  # [Ht, Wt, 3] in 0..1, row 0 is v = 1
    ) -> None:
        self.cameras_from = cameras_from
        self.template = cameras_from.template
        self.vertices, self.texture = vertices.astype(np.float32), texture.astype(np.float32)

    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """The other predictor's mask and camera; always the same object."""
        read = self.cameras_from.predict(images)
        count = len(images)
        return read._replace(
            vertices=np.broadcast_to(self.vertices, (count, *self.vertices.shape)),
            textures=np.broadcast_to(self.texture, (count, *self.texture.shape)),
        )


class NovelCameras(NamedTuple):
    """From where predictions are rendered in the novel views, each [N, K, 5]; see above."""

    canonical: NDArray[np.float32]
    relative: NDArray[np.float32]
    absolute: NDArray[np.float32]


class Scores(NamedTuple):
    """One value per object, each [N]; `train.evaluation.metrics` says what they are."""

    iou2d_segmenter: NDArray[np.float64]
    iou2d_input: NDArray[np.float64]
    iou2d_novel30: NDArray[np.float64]
    iou2d_novel30_relative: NDArray[np.float64]
    iou2d_novel30_absolute: NDArray[np.float64]
    iou3d_canonical: NDArray[np.float64]
    iou3d_canonical_icp: NDArray[np.float64]
    iou3d_bbox: NDArray[np.float64]
    chamfer: NDArray[np.float64]
    fscore: NDArray[np.float64]
    watertight: NDArray[np.float64]
    flipped_faces: NDArray[np.float64]
    self_intersections: NDArray[np.float64]
    psnr_input: NDArray[np.float64]
    psnr_novel: NDArray[np.float64]
    psnr_novel_image: NDArray[np.float64]
    ssim_novel: NDArray[np.float64]
    azimuth_signed_degrees: NDArray[np.float64]
    azimuth_degrees: NDArray[np.float64]
    elevation_degrees: NDArray[np.float64]
    distance_relative: NDArray[np.float64]
    confidence: NDArray[np.float64]


class Measured(NamedTuple):
    """One predictor's scores, and the pictures that people are shown."""

    scores: Scores
    masks: NDArray[np.float32]
    """[N, R, R] in 0..1: the segmenter's."""
    renders: NDArray[np.uint8]
    """[N, R, R, 3]: the prediction at its own camera, on grey."""
    novel: NDArray[np.uint8]
    """[N, S, R, R, 3]: the prediction in the `shown_views` (canonical protocol), on grey."""


def novel_cameras_of(
    predicted: NDArray[np.floating],  # [N, 5] in the input view
    true: NDArray[np.floating],  # [N, 5] in the input view
    novel: NDArray[np.float32],  # [N, K, 5] true ones
) -> NovelCameras:
    """The cameras of the three protocols of this file's docstring."""
    canonical = novel.copy()
    canonical[..., DISTANCE] *= (predicted[:, DISTANCE] / true[:, DISTANCE])[:, None]
    relative = canonical.copy()
    relative[..., [AZIMUTH, ELEVATION]] += (predicted - true)[:, None, [AZIMUTH, ELEVATION]]
    return NovelCameras(canonical, relative, novel)


def measure(
    predictor: Predictor, truth: HeldOut, on_progress: Callable[[int], None] = ignore_progress
) -> Measured:
    """Let a predictor read every photograph and compare what it says with the ground truth.

    `on_progress`: gets the number of objects done, from time to time.
    """

    def measure_part(start: int) -> Measured:
        part = HeldOut._make(values[start : start + BATCH] for values in truth)
        return score(predictor.predict(part.images), predictor.template, part)

    # The loops release the GIL; order and results are those of one thread.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts: list[Measured] = []
        for part in pool.map(measure_part, range(0, len(truth.images), BATCH)):
            parts.append(part)
            on_progress(min(len(parts) * BATCH, len(truth.images)))
    _, *arrays = zip(*parts, strict=True)
    return Measured(joined([part.scores for part in parts]), *map(np.concatenate, arrays))


def score(read: Predicted, template: Template, truth: HeldOut) -> Measured:
    """Compare what was read from the photographs of `truth` with the ground truth."""
    size = truth.images.shape[1]
    errors = camera_errors(read.cameras, truth.cameras)
    cameras = novel_cameras_of(read.cameras, truth.cameras, truth.novel_cameras)
    own = render_on_grey(read.vertices, read.textures, read.cameras, template, size)
    canonical = render_views(read.vertices, read.textures, cameras.canonical, template, size)
    others = (silhouettes(read.vertices, each, template, size) for each in cameras[1:])
    true_masks = solid(truth.novel_masks)
    true_pictures = on_grey(truth.novel_images / np.float32(255), true_masks)
    ious = [mask_iou(masks, true_masks).mean(axis=1) for masks in (canonical.masks, *others)]
    # Only the scale is forgiven: the same factor as of the distance, see above.
    scales = truth.cameras[:, DISTANCE] / read.cameras[:, DISTANCE]
    shapes = [
        compare_shapes(scale * vertices, template.faces, true)
        for scale, vertices, true in zip(scales, read.vertices, truth.shapes, strict=True)
    ]
    pictures = (canonical.images, true_pictures, either(canonical.masks, true_masks))
    input_masks = solid(truth.masks)
    photographed = on_grey(truth.images / np.float32(255), input_masks)
    every = (
        mask_iou(solid(read.masks), input_masks),
        mask_iou(solid(own.masks), input_masks),
        *ious,
        *np.array(shapes).T,
        psnr(own.images, photographed, either(own.masks, input_masks)),
        psnr(*pictures).mean(axis=1),
        psnr(*pictures[:2], np.ones_like(true_masks)).mean(axis=1),
        ssim(*pictures).mean(axis=1),
        *errors,
        read.confidences.astype(np.float64),
    )
    shown = canonical.images[:, shown_views(canonical.images.shape[1])]
    return Measured(Scores._make(every), read.masks, as_pixels(own.images), as_pixels(shown))


def either(masks: NDArray[np.generic], true_masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels [..., H, W] that either silhouette covers; all where neither covers any, as of a
    sheet seen edge on: grey against grey."""
    either = solid(masks) | true_masks
    return either | ~either.any(axis=(-2, -1), keepdims=True)


def shown_views(view_count: int) -> NDArray[np.intp]:
    """Which of the novel views people are shown: up to 4, evenly."""
    return np.linspace(0, view_count - 1, min(SHOWN_VIEWS, view_count)).round().astype(np.intp)
