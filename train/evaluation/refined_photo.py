"""One real photograph, read by a bundle and then fitted by test-time steps."""

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.mesh import Template
from train.evaluation.benchmark import Predicted
from train.evaluation.bundle_predictor import BundlePredictor
from train.evaluation.photo_benchmark import turned_cameras
from train.evaluation.refinement import refine
from train.evaluation.renders import as_pixels, render_on_grey
from train.metrics.mask_iou import mask_iou, solid

OTHER_VIEW_DEGREES = 120.0
"""Azimuth away from the predicted camera, where steps show what they did to the unseen side."""


class Drawn(NamedTuple):
    """How one prediction looks, before or after the steps."""

    read: Predicted
    """Of one photograph: B is 1."""
    iou: float
    """Of the silhouette at the prediction's own camera and the mask, 0 to 1."""
    rerender: NDArray[np.uint8]
    """[R, R, 3] at the prediction's own camera, on grey."""
    other_view: NDArray[np.uint8]
    """[R, R, 3] from another azimuth; the same camera before and after."""


class RefinedPhoto(NamedTuple):
    """What the steps made of a prediction."""

    image: NDArray[np.uint8]
    """[R, R, 3]"""
    before: Drawn
    after: Drawn
    seconds: float
    """Duration of the steps, without reading and rendering; with compiling the renderer where it
    has never run before."""


class NoObject(ValueError):
    """The mask of a photograph is empty: there is nothing to be fitted to."""


def refine_photo(
    predictor: BundlePredictor,
    image: NDArray[np.uint8],  # [R, R, 3]
    mask: NDArray[np.float32] | None,  # [R, R] in 0..1; None: the bundle's segmenter finds it
    steps: int,
) -> RefinedPhoto:
    """Let the bundle read a photograph and move what it says towards it.

    Raises:
        NoObject: no pixel belongs to the object.
    """
    images = image[None]
    masks = predictor.segment(images) if mask is None else mask[None]
    if not solid(masks).any():
        raise NoObject("no object is found in it: give its mask in --masks")
    read = predictor.reconstruct(images, masks)
    began = time.perf_counter()
    fitted = refine(read, images, predictor.template, steps)
    seconds = time.perf_counter() - began
    (turned,) = turned_cameras(read.cameras, (OTHER_VIEW_DEGREES,))
    before, after = (
        _drawn(one, turned, predictor.template, image.shape[0]) for one in (read, fitted)
    )
    return RefinedPhoto(image, before, after, seconds)


def _drawn(
    read: Predicted,
    turned: NDArray[np.float32],  # [1, 5]
    template: Template,
    size: int,
) -> Drawn:
    own, other = (
        render_on_grey(read.vertices, read.textures, cameras, template, size)
        for cameras in (read.cameras, turned)
    )
    iou = float(mask_iou(solid(own.masks), solid(read.masks))[0])
    return Drawn(read, iou, as_pixels(own.images)[0], as_pixels(other.images)[0])
