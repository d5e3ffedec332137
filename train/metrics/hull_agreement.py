"""Whether the silhouettes of objects, each at cameras of its own, are those of one shape each."""

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, CAMERA_SIZE, DISTANCE, NOMINAL_DISTANCE
from train.metrics.visual_hull import VisualHull

SIDE = 32
"""Side in pixels that silhouettes are compared at: a twentieth of a second an object."""
VIEWS = 8
"""Of each object, as evenly around the circle as there are."""
EMPTIEST = 0.02
"""Share of the image under which a mask is no silhouette."""


def hull_ious(
    masks: NDArray[np.uint8],  # [N, R, R] 0..255, R a multiple of SIDE
    objects: NDArray[np.integer],  # [N]
    cameras: NDArray[np.floating],  # [N, 5] in degrees; elevation and distance may be nan
    most: int,
) -> NDArray[np.float64]:  # [M], M <= most
    """Of some objects with views enough: IoU of their silhouettes with those of the best shape.

    1 where one shape explains all of them. Distances that are nan are all taken to be the nominal
    one, elevations to be 0.
    """
    ious = []
    for number in np.unique(objects):
        rows = np.flatnonzero(objects == number)
        rows = rows[masks[rows].mean((1, 2)) > 255 * EMPTIEST]
        if len(rows) < VIEWS:
            continue
        rows = rows[np.argsort(cameras[rows, AZIMUTH] % 360, kind="stable")]
        rows = rows[np.linspace(0, len(rows), VIEWS, endpoint=False).astype(int)]
        ious.append(VisualHull(_known(cameras[rows]), SIDE).fit(_reduced(masks[rows])).iou)
        if len(ious) == most:
            break
    return np.array(ious, np.float64)


def _known(cameras: NDArray[np.floating]) -> NDArray[np.float64]:
    usual = np.zeros(CAMERA_SIZE)
    usual[DISTANCE] = NOMINAL_DISTANCE
    return np.where(np.isnan(cameras), usual, cameras)


def _reduced(masks: NDArray[np.uint8]) -> NDArray[np.bool_]:  # [K, R, R] -> [K, SIDE, SIDE]
    inside = masks.shape[1] // SIDE
    blocks = masks.reshape(len(masks), SIDE, inside, SIDE, inside)
    return blocks.mean((2, 4)) > 127.5
