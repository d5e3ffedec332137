"""How far the cameras of viewpoint codes are from what their images show (paper 3.2).

The paper sets a rough camera per viewpoint code by hand and optimises it with the network. The
attribute classifier's cameras of the images show what the optimisation was worth.
"""

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, ELEVATION, NOMINAL_DISTANCE
from train.data.multiview import MultiviewData
from train.metrics.camera_error import camera_errors
from train.models.attributes import AttributeClassifier, read_attributes
from train.running.workspace import round_to

MOST_IMAGES = 16
"""Images classified per viewpoint."""
FEWEST_IMAGES = 4
"""Viewpoints with fewer, after the mask filter, are left out."""


def viewpoint_camera_errors(
    data: MultiviewData,
    cameras: NDArray[np.floating],  # [K, 5]
    network: AttributeClassifier,
) -> dict[str, float]:
    """Median errors in degrees of the initial cameras (`before`) and of these (`after`).

    Unlabelled elevations are left out.
    """
    numbers, images = np.unique(data.viewpoint, return_counts=True)
    numbers = numbers[images >= FEWEST_IMAGES]
    if len(numbers) == 0:
        return {}
    seen = np.stack([_seen_camera(data, number, network) for number in numbers])
    metrics: dict[str, float] = {}
    for when, estimated in (("before", data.initial_cameras), ("after", cameras)):
        errors = camera_errors(estimated[numbers], seen)
        for angle in ("azimuth", "elevation"):
            found = getattr(errors, f"{angle}_degrees")
            if not np.isnan(found).any():
                median = round_to(float(np.median(found)))
                metrics[f"viewpoint_{angle}_error_median_degrees_{when}"] = median
    return metrics


def _seen_camera(
    data: MultiviewData, viewpoint: int, network: AttributeClassifier
) -> NDArray[np.float32]:  # [5]
    """Mean direction and median elevation of a viewpoint's images."""
    own = np.flatnonzero(data.viewpoint == viewpoint)[:MOST_IMAGES]
    readings = read_attributes(network, data.load(own)[0])
    directions = np.exp(1j * np.deg2rad(readings.azimuths))
    camera = np.zeros(CAMERA_SIZE, np.float32)
    camera[AZIMUTH] = np.rad2deg(np.angle(directions.mean()))
    camera[ELEVATION] = np.median(readings.elevations)
    camera[DISTANCE] = NOMINAL_DISTANCE
    return camera
