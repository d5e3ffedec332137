"""Cameras of photographs as one reader, or several together, say they are."""

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
    """Cameras of N photographs, as read."""

    cameras: np.ndarray
    """f32 [N, 5]: mean of the image's and its mirror's, and of all readers; nan where the reader
    cannot tell."""
    confidences: np.ndarray
    """f32 [N] in 0..1: the mean too."""
    disagreements: np.ndarray
    """f32 [N] degrees of azimuth between the two, or between readers if that is more."""


Read = Callable[[Tensor], Labels]
"""Reads images [B, 3, R, R] in 0..1."""


def agreed(said: Sequence[Labels]) -> Labels:
    """The mean of what several readers say; they disagree by as much as the two furthest apart."""
    azimuths = np.stack([labels.cameras[:, AZIMUTH] for labels in said])  # [n, N]
    every = np.stack([labels.cameras for labels in said])
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
    apart += [labels.disagreements for labels in said]
    confidences = np.mean([labels.confidences for labels in said], axis=0)
    values = (cameras, confidences, np.max(apart, axis=0))
    return Labels(*(value.astype(np.float32) for value in values))


def forgetting(read: Read, *columns: int) -> Read:
    """The same reader, but these columns of the cameras nobody told: nan."""

    def read_the_rest(images: Tensor) -> Labels:
        labels = read(images)
        cameras = labels.cameras.copy()
        cameras[:, columns] = np.nan
        return labels._replace(cameras=cameras)

    return read_the_rest


def labelled_range(
    cameras: np.ndarray,  # [N, 5]
    column: int,
) -> tuple[float, float] | None:
    """Least and greatest of a column, but for the outermost fiftieths; None where none was told."""
    labelled = cameras[~np.isnan(cameras[:, column]), column]
    if not len(labelled):
        return None
    least, greatest = np.quantile(labelled, (0.02, 0.98))
    return float(least), float(greatest)


def from_attributes(readings: AttributeReadings, *, distances: bool = False) -> Labels:
    """Azimuth and elevation, and the distance of a network that was taught it.

    Where image and mirror image differ the confidence says so.
    """
    cameras = np.full((len(readings.azimuths), CAMERA_SIZE), np.nan, np.float32)
    cameras[:, AZIMUTH], cameras[:, ELEVATION] = readings.azimuths, readings.elevations
    if distances:
        cameras[:, DISTANCE] = readings.distances
    return Labels(cameras, readings.confidences, np.zeros(len(cameras), np.float32))
