"""The benchmark of several photographs: what an object's mesh gains by more of them.

Each row has as many photographs of the same objects, and is compared in the same novel views, at
least 30 degrees of azimuth from every photograph of every row. As in `train.evaluation.benchmark`
the prediction has to lie in the canonical frame, and only its scale is forgiven: by the mean of
predicted / true distance over the photographs used.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, DISTANCE, azimuth_difference_degrees
from graphics.fusing.fusion import Fused, Fusion
from graphics.fusing.painting import Shot, paint
from graphics.fusing.readings import Reading
from graphics.mesh import Template
from graphics.render import look
from graphics.texture import Enlargement
from graphics.texture_transfer import TextureTransfer
from train.data.albums import PHOTOGRAPHS, Albums
from train.evaluation.benchmark import BATCH, either
from train.evaluation.predictors import BundlePredictor
from train.evaluation.renders import on_grey, render_views
from train.metrics.image_quality import psnr
from train.metrics.mask_iou import mask_iou, solid
from train.metrics.shape_comparison import Shape, voxels_beside
from train.metrics.voxels import volume_iou
from train.running.progress import ignore_progress

FLIPPED_DEGREES = 90.0
"""Azimuth errors above this take one end for the other."""
ENLARGED = 2
"""Texels of a texture along each side, over those that the network predicts: as the service has."""


class Scores(NamedTuple):
    """One value per object, each [N]."""

    iou2d_novel30: NDArray[np.float64]
    psnr_novel: NDArray[np.float64]
    iou3d_canonical: NDArray[np.float64]
    flipped: NDArray[np.float64]
    flipped_alone: NDArray[np.float64]
    left_out: NDArray[np.float64]
    cpu_milliseconds: NDArray[np.float64]


class Mesh(NamedTuple):
    """What an object's photographs became."""

    vertices: NDArray[np.float32]
    """[V, 3]"""
    texture: NDArray[np.uint8]
    """[Ht, Wt, 3]"""


class MeasuredFused(NamedTuple):
    """The scores of one number of photographs, and the meshes."""

    scores: Scores
    meshes: list[Mesh]


class Fuser:
    """Reads and fuses photographs as the service does."""

    def __init__(self, predictor: BundlePredictor, steps: int) -> None:
        """`steps`: of the fit to all outlines."""
        self.predictor, self.template, self.steps = predictor, predictor.template, steps
        self._fusion = Fusion(self.template)
        self._transfers: dict[tuple[int, int], tuple[TextureTransfer, Enlargement]] = {}

    def read(self, images: NDArray[np.uint8]) -> list[Reading]:
        """What the networks say of photographs [B, R, R, 3], each by itself."""
        readings = []
        for start in range(0, len(images), BATCH):
            some = np.ascontiguousarray(images[start : start + BATCH])
            found = self.predictor.unpainted(some, self.predictor.segment(some))
            readings += [
                Reading(*each)
                for each in zip(
                    some, found.masks, found.vertices, found.textures, found.cameras,
                    found.confidences.tolist(), found.azimuth_probabilities, strict=True,
                )
            ]  # fmt: skip
        return readings

    def fuse(self, readings: list[Reading]) -> tuple[Fused, Mesh]:
        """One object from its photographs; one alone is as the service answers it by itself."""
        transfer, enlargement = self._of_size(readings[0].texture)
        if len(readings) == 1:
            (one,) = readings
            view = look(one.vertices[None], one.camera[None], self.template)
            texture = transfer(one.pixels, one.mask, view, enlargement(one.texture))
            alone = Fused(
                one.vertices, one.texture, one.camera[None], [0.0], [None], np.ones(1, np.float32)
            )
            return alone, Mesh(one.vertices, texture)
        fused = self._fusion(readings, self.steps)
        shots = [
            Shot(
                readings[number].pixels,
                readings[number].mask,
                look(fused.vertices[None], fused.cameras[[number]], self.template),
                float(fused.weights[number]),
            )
            for number in fused.used
        ]
        texture = paint(transfer, shots, enlargement(fused.texture), symmetric=True).texture
        return fused, Mesh(fused.vertices, texture)

    def _of_size(self, texture: NDArray[np.float32]) -> tuple[TextureTransfer, Enlargement]:
        small = texture.shape[:2]
        if small not in self._transfers:
            large = (ENLARGED * small[0], ENLARGED * small[1])
            made = TextureTransfer(self.template, *large), Enlargement(small, large)
            self._transfers[small] = made
        return self._transfers[small]


def measure_fused(
    fuser: Fuser, truth: Albums, on_progress: Callable[[int], None] = ignore_progress
) -> dict[int, MeasuredFused]:
    """Every number of photographs, by that number; `on_progress` gets the objects done."""
    scores: dict[int, list[tuple[float, ...]]] = {number: [] for number in PHOTOGRAPHS}
    made: dict[int, list[Mesh]] = {number: [] for number in PHOTOGRAPHS}
    every = truth.cameras.shape[1]
    flat = truth.images.reshape(-1, *truth.images.shape[2:])
    for index in range(len(truth.names)):
        readings = fuser.read(flat[index * every : (index + 1) * every])
        for number, chosen in PHOTOGRAPHS.items():
            began = time.process_time()
            fused, mesh = fuser.fuse([readings[one] for one in chosen])
            seconds = time.process_time() - began
            made[number].append(mesh)
            true = truth.cameras[index, list(chosen)]
            alone = np.stack([readings[one].camera for one in chosen])
            quality = _compare(fused, mesh, fuser.template, truth, index, true)
            wrong, wrong_alone = (
                float(np.mean(_errors(cameras, true) > FLIPPED_DEGREES))
                for cameras in (fused.cameras, alone)
            )
            left_out = len(chosen) - len(fused.used)
            scores[number].append((*quality, wrong, wrong_alone, left_out, 1000 * seconds))
        on_progress(index + 1)
    return {
        number: MeasuredFused(Scores(*map(np.array, zip(*rows, strict=True))), made[number])
        for number, rows in scores.items()
    }


def _errors(cameras: NDArray[np.floating], true: NDArray[np.floating]) -> NDArray[np.floating]:
    return azimuth_difference_degrees(cameras[:, AZIMUTH], true[:, AZIMUTH])


def _compare(
    fused: Fused, mesh: Mesh, template: Template, truth: Albums, index: int,
    true_cameras: NDArray[np.floating],  # [P, 5]
) -> tuple[float, float, float]:  # fmt: skip
    """`iou2d_novel30`, `psnr_novel` and `iou3d_canonical` of one object."""
    used = fused.used
    scale = float((fused.cameras[used, DISTANCE] / true_cameras[used, DISTANCE]).mean())
    cameras = truth.novel_cameras[index].copy()
    cameras[:, DISTANCE] *= scale
    size = truth.images.shape[2]
    seen = render_views(mesh.vertices[None], mesh.texture[None], cameras[None], template, size)
    masks = solid(truth.novel_masks[index])
    pictures = on_grey(truth.novel_images[index] / np.float32(255), masks)
    shape: Shape = truth.shapes[index]
    voxels = voxels_beside(shape.in_box(mesh.vertices / scale), template.faces)
    return (
        float(mask_iou(seen.masks[0], masks).mean()),
        float(psnr(seen.images[0], pictures, either(seen.masks[0], masks)).mean()),
        volume_iou(voxels, shape.solid.voxels),
    )
