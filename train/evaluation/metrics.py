"""The metrics of an evaluation: what each measures, and how objects are summed up.

All are on photographs of one object each, which no training saw, with exact ground truth. Sizes in
space are in the canonical frame (y up, front +z).

A bootstrap interval holds 95 % of 2,000 resamples of the objects. It says how much a metric would
move with other held-out objects, not what another training run would give.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
CONFIDENCE = 0.95
INTERVAL = "95 % bootstrap interval over the {}"
"""The brackets' explanation in reports, to be filled with what was resampled."""

HEADLINE = "iou2d_novel30"
"""The metric that orders the pictures and that rows are compared by."""
ORACLE = "oracle"
"""The row that is given the true cameras."""
MEAN_PREDICTION = "mean_prediction"
ROWS = {
    "bundle": "the ONNX graphs of the bundle, as they are served",
    "refined": "the bundle's predictions after test-time steps through the renderer",
    ORACLE: "the template fitted to the ground truth, an upper bound: masks and cameras are the "
    "true ones, so that only metrics of shape and colour say something",
    MEAN_PREDICTION: "always the mean prediction, at the predicted cameras: the mean over these "
    "photographs for a bundle, over the training images for the network of a run",
    "nearest_training": "the true mesh and camera of the training object whose photograph is most "
    "alike",
    "single_view": "the same network, trained on single views",
    "inverse_graphics": "the network of the run",
}
"""Row of a report -> what is measured in it."""


class Metric(NamedTuple):
    """A column of values, one per object, and how they are summed up."""

    definition: str
    """Says exactly what is measured."""
    digits: int = 3
    score: str = ""
    """Field of the scores; empty: the metric's own name."""
    statistic: str = "mean"
    """How objects are summed up: mean, median, or within30 (share of at most 30 degrees)."""


class Estimate(NamedTuple):
    """A metric's value and its interval."""

    value: float
    low: float | None = None
    high: float | None = None
    """None, both: nothing is known of how much it would move."""

    def text(self, digits: int) -> str:
        """As tables show it: `0.843 (0.841, 0.846)`."""
        if self.low is None:
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} ({self.low:.{digits}f}, {self.high:.{digits}f})"

    def json(self) -> dict[str, float]:
        """Without the interval where there is none."""
        return {name: number for name, number in self._asdict().items() if number is not None}


METRICS: dict[str, Metric] = {
    "iou2d_input": Metric(
        "silhouette at the predicted camera against the true mask of the photograph"
    ),
    "iou2d_novel30": Metric(
        "silhouettes in novel views at least 30 degrees of azimuth away, from the true azimuth and "
        "elevation in the canonical frame; only the scale is forgiven (distance times predicted / "
        "true distance of the photograph), nothing of the predicted angles is used"
    ),
    "iou2d_novel30_relative": Metric(
        "the same views, but the predicted camera rotated by as much as the true one is: an error "
        "that mesh and camera share cancels (the milder protocol)"
    ),
    "iou2d_novel30_absolute": Metric(
        "the same views from the true cameras as they are: scale counts too"
    ),
    "iou3d_canonical": Metric(
        "solid voxels in the canonical frame, 64 along the true shape's longest side; the "
        "prediction is not moved or rotated, only the scale is forgiven as in iou2d_novel30. "
        "Solid: winding number not zero; of meshes from files, what cannot be seen from outside, "
        "so that sheets score 0"
    ),
    "iou3d_canonical_icp": Metric(
        "the same after ICP with scale of the prediction onto the true surface, from where it "
        "stands: forgives small shifts and rotations, not a front taken for a back"
    ),
    "iou3d_bbox": Metric(
        "the same, but both meshes moved and scaled to one bounding box centre and longest side"
    ),
    "chamfer": Metric(
        "mean distance to the other surface, both ways averaged, up to 10,000 points of each "
        "surface that are not buried in the solid, placed like iou3d_canonical, as a share of the "
        "true shape's longest side; lower is better, equal surfaces are at about 0.008",
        digits=4,
    ),
    "fscore": Metric(
        "harmonic mean of the shares of these points that are within 2 % of the longest side of "
        "the other surface"
    ),
    "psnr_input": Metric(
        "dB of the object rendered at the predicted camera against the photograph, over the pixels "
        "that either silhouette covers, on grey",
        digits=2,
    ),
    "psnr_novel": Metric(
        "dB in the novel views of iou2d_novel30, over the pixels that either silhouette covers, "
        "on grey: where only one covers, its colour is compared to the grey",
        digits=2,
    ),
    "psnr_novel_image": Metric(
        "the same over the whole image, as papers on novel views count: most of it is grey in both",
        digits=2,
    ),
    "ssim_novel": Metric(
        "structural similarity of the luma (11 x 11 Gaussian window), the same views and pixels"
    ),
    "azimuth_median_deg": Metric(
        "error of the predicted azimuth; lower is better", 1, "azimuth_degrees", "median"
    ),
    "azimuth_acc30": Metric(
        "share of azimuth errors of at most 30 degrees", 3, "azimuth_degrees", "within30"
    ),
    "elevation_median_deg": Metric(
        "error of the predicted elevation; lower is better", 1, "elevation_degrees", "median"
    ),
    "distance_median_relative": Metric(
        "error of the predicted distance over the true one; lower is better",
        3, "distance_relative", "median",
    ),
    "watertight": Metric(
        "share of meshes whose every edge has two faces, which run along it in opposite directions"
    ),
    "flipped_faces": Metric(
        "share of faces that look into space enclosed inside out (negative winding number before "
        "their middle); lower is better",
        digits=4,
    ),
    "self_intersections": Metric(
        "share of faces that another face cuts with which they share no vertex; lower is better",
        digits=4,
    ),
    "iou2d_segmenter": Metric(
        "the segmenter's mask against the true one: bounds what the network is given"
    ),
}  # fmt: skip


def summarise(values: NDArray[np.floating], statistic: str) -> NDArray[np.floating]:
    """Sum up the last axis: `mean`, `median` or `within30`."""
    if statistic == "mean":
        return np.mean(values, axis=-1)
    if statistic == "median":
        return np.median(values, axis=-1)
    if statistic == "within30":
        return np.mean(values <= 30.0, axis=-1)
    raise ValueError(f"statistic is {statistic!r}; it must be mean, median or within30")


def bootstrap(
    values: NDArray[np.floating],  # [N], one per object
    statistic: str,
) -> Estimate:
    """A statistic with its percentile interval; always the same resamples for one N."""
    chosen = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    spread = summarise(np.asarray(values)[chosen], statistic)
    tails = (1 - CONFIDENCE) / 2
    low, high = np.quantile(spread, [tails, 1 - tails])
    return Estimate(float(summarise(values, statistic)), float(low), float(high))


def estimates(
    scores: Mapping[str, NDArray[np.floating]],  # name -> [N]
    metrics: Mapping[str, Metric],
) -> dict[str, Estimate]:
    """Every metric that has values."""
    return {
        name: bootstrap(values, metric.statistic)
        for name, metric in metrics.items()
        if len(values := scores[metric.score or name])
    }
