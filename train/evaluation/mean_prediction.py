"""Always the mean shape, on photographs without ground truth: a network has to be better."""

import numpy as np
from numpy.typing import NDArray

from graphics.mesh import Template
from train.evaluation.metrics import MEAN_PREDICTION, ROWS, estimates
from train.evaluation.photo_benchmark import PHOTO_METRICS, PhotosMeasured
from train.evaluation.renders import silhouettes
from train.evaluation.report import ReportRow
from train.metrics.mask_iou import mask_iou

METRIC = "iou2d_rerender"


def mean_prediction_ious(
    measured: PhotosMeasured,
    vertices: NDArray[np.floating],  # [V, 3]: the mean shape
    template: Template,
) -> NDArray[np.float64]:  # [N]
    """`iou2d_rerender` of always the same shape, at the cameras that were predicted."""
    count, size = measured.masks.shape[:2]
    shapes = np.broadcast_to(vertices.astype(np.float32), (count, *vertices.shape))
    found = silhouettes(shapes, measured.cameras[:, None], template, size)[:, 0]
    return mask_iou(found, measured.masks)


def mean_prediction_row(ious: NDArray[np.float64]) -> dict[str, ReportRow]:  # [N]
    """The row of a report."""
    found = estimates({METRIC: ious}, {METRIC: PHOTO_METRICS[METRIC]})
    return {MEAN_PREDICTION: ReportRow(found, ROWS[MEAN_PREDICTION])}
