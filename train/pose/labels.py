"""Cameras of photographs as one pose estimator, or several together, give them."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from torch import Tensor

from graphics.camera import (
    AZIMUTH,
    CAMERA_SIZE,
    DISTANCE,
    ELEVATION,
    azimuth_difference_degrees,
    wrap_degrees,
)
from train.models.attributes import AttributeReadings


class Labels(NamedTuple):
    """Estimated cameras of N photographs."""

    cameras: np.ndarray
    """f32 [N, 5]: mean over the image and its mirror image, and over all pose estimators; nan in
    columns that none of them gives."""
    confidences: np.ndarray
    """f32 [N] in 0..1: mean over the same."""
    disagreements: np.ndarray
    """f32 [N] degrees of azimuth between image and mirror image, or between two pose estimators
    if that is more."""


PoseEstimator = Callable[[Tensor], Labels]
"""Images [B, 3, R, R] in 0..1 -> their cameras."""


def averaged(labels: Sequence[Labels]) -> Labels:
    """The mean over several pose estimators; they disagree by as much as the two furthest apart."""
    azimuths = np.stack([one.cameras[:, AZIMUTH] for one in labels])  # [n, N]
    every = np.stack([one.cameras for one in labels])
    labelled = ~np.isnan(every)
    cameras = np.divide(
        np.where(labelled, every, 0).sum(axis=0),
        labelled.sum(axis=0),
        out=np.full(every.shape[1:], np.nan, np.float32),
        where=labelled.any(axis=0),
    )
    directions = np.exp(1j * np.deg2rad(azimuths)).sum(axis=0)
    cameras[:, AZIMUTH] = wrap_degrees(np.rad2deg(np.angle(directions)))
    apart = [azimuth_difference_degrees(one, other) for one, other in combinations(azimuths, 2)]
    apart += [one.disagreements for one in labels]
    confidences = np.mean([one.confidences for one in labels], axis=0)
    values = (cameras, confidences, np.max(apart, axis=0))
    return Labels(*(value.astype(np.float32) for value in values))


def without(estimate: PoseEstimator, *columns: int) -> PoseEstimator:
    """A pose estimator whose cameras lack these columns: nan."""

    def estimate_the_rest(images: Tensor) -> Labels:
        labels = estimate(images)
        cameras = labels.cameras.copy()
        cameras[:, columns] = np.nan
        return labels._replace(cameras=cameras)

    return estimate_the_rest


def labelled_range(
    cameras: np.ndarray,  # [N, 5]
    column: int,
) -> tuple[float, float] | None:
    """The 2nd and 98th percentile of a column; None where nothing is labelled in it."""
    labelled = cameras[~np.isnan(cameras[:, column]), column]
    if not len(labelled):
        return None
    least, greatest = np.quantile(labelled, (0.02, 0.98))
    return float(least), float(greatest)


def from_attributes(readings: AttributeReadings, *, distances: bool = False) -> Labels:
    """Azimuth and elevation as labels, and the distance of a classifier that was trained on it.

    Where image and mirror image differ the confidence says so.
    """
    cameras = np.full((len(readings.azimuths), CAMERA_SIZE), np.nan, np.float32)
    cameras[:, AZIMUTH], cameras[:, ELEVATION] = readings.azimuths, readings.elevations
    if distances:
        cameras[:, DISTANCE] = readings.distances
    return Labels(cameras, readings.confidences, np.zeros(len(cameras), np.float32))
