"""The figures of an evaluation: what each measures, in one place, and how objects are summed up.

All are on photographs of one object each, which no training saw, with exact truth; sizes in space
are in the canonical frame (y up, front +z).
"""

from typing import NamedTuple

HEADLINE = "iou2d_novel30"
"""The figure that orders the pictures and that rows are compared by."""


ORACLE = "oracle"
"""The row that is given the true cameras."""
ROWS = {
    "bundle": "the ONNX graphs of the bundle, as they are served",
    "refined": "the bundle's predictions after test-time steps through the renderer",
    ORACLE: "the template fitted to the truth: masks and cameras are the true ones, so that only "
    "figures of shape and colour say something",
    "mean_prediction": "always the mean of what the bundle predicts, at its predicted cameras",
    "nearest_training": "the true mesh and camera of the training object whose photograph is most "
    "alike",
    "single_view": "the same network taught on single views",
    "inverse_graphics": "the network of the run",
    "mean_shape": "always the mean of what the network predicts of its training images, at its "
    "predicted cameras",
}
"""Row of a report -> what is measured in it."""


class Metric(NamedTuple):
    """One line of the table."""

    score: str
    """Field of `train.evaluation.benchmark.Scores`."""
    statistic: str
    """How objects are summed up: mean, median, or share of at most 30 (degrees)."""
    digits: int
    protocol: str
    """What exactly is measured."""


class Estimate(NamedTuple):
    """A figure and its bootstrap interval."""

    value: float
    low: float
    high: float


def cell(estimate: Estimate, digits: int) -> str:
    """An estimate as tables show it: `0.843 (0.841, 0.846)`."""
    value, low, high = (f"{number:.{digits}f}" for number in estimate)
    return f"{value} ({low}, {high})"


METRICS: dict[str, Metric] = {
    "iou2d_input": Metric(
        "iou2d_input", "mean", 3,
        "silhouette at the predicted camera against the true mask of the photograph",
    ),
    "iou2d_novel30": Metric(
        "iou2d_novel30", "mean", 3,
        "silhouettes in novel views at least 30 degrees of azimuth away, from the true azimuth and "
        "elevation in the canonical frame; only the scale is forgiven (distance times predicted / "
        "true distance of the photograph), nothing of the predicted angles is used",
    ),
    "iou2d_novel30_relative": Metric(
        "iou2d_novel30_relative", "mean", 3,
        "the same views, but the predicted camera turned by as much as the true one is: an error "
        "that mesh and camera share cancels (the milder protocol)",
    ),
    "iou2d_novel30_absolute": Metric(
        "iou2d_novel30_absolute", "mean", 3,
        "the same views from the true cameras as they are: scale counts too",
    ),
    "iou3d_canonical": Metric(
        "iou3d_canonical", "mean", 3,
        "solid voxels in the canonical frame, 64 along the true shape's longest side; the "
        "prediction is not moved or turned, only the scale is forgiven as in iou2d_novel30. Solid: "
        "winding number not zero; of meshes from files, what cannot be seen from outside, so that "
        "sheets score 0",
    ),
    "iou3d_canonical_icp": Metric(
        "iou3d_canonical_icp", "mean", 3,
        "the same after ICP with scale of the prediction onto the true surface, from where it "
        "stands: forgives small shifts and turns, not a front taken for a back",
    ),
    "iou3d_bbox": Metric(
        "iou3d_bbox", "mean", 3,
        "the same, but both meshes moved and scaled to one bounding box centre and longest side",
    ),
    "chamfer": Metric(
        "chamfer", "mean", 4,
        "mean distance to the other surface, both ways averaged, up to 10,000 points of each "
        "surface that are not buried in the solid, placed like iou3d_canonical, as a share of the "
        "true shape's longest side; lower is better, equal surfaces are at about 0.008",
    ),
    "fscore": Metric(
        "fscore", "mean", 3,
        "harmonic mean of the shares of these points that are within 2 % of the longest side of "
        "the other surface",
    ),
    "psnr_input": Metric(
        "psnr_input", "mean", 2,
        "dB of the object drawn at the predicted camera against the photograph, over the pixels "
        "that either silhouette covers, on grey",
    ),
    "psnr_novel": Metric(
        "psnr_novel", "mean", 2,
        "dB in the novel views of iou2d_novel30, over the pixels that either silhouette covers, "
        "on grey: where only one covers, its colour is compared to the grey",
    ),
    "psnr_novel_image": Metric(
        "psnr_novel_image", "mean", 2,
        "the same over the whole image, as papers on novel views count: most of it is grey in both",
    ),
    "ssim_novel": Metric(
        "ssim_novel", "mean", 3,
        "structural similarity of the luma (11 x 11 Gaussian window), the same views and pixels",
    ),
    "azimuth_median_deg": Metric(
        "azimuth_degrees", "median", 1, "error of the predicted azimuth; lower is better"
    ),
    "azimuth_acc30": Metric(
        "azimuth_degrees", "within30", 3, "share of azimuth errors of at most 30 degrees"
    ),
    "elevation_median_deg": Metric(
        "elevation_degrees", "median", 1, "error of the predicted elevation; lower is better"
    ),
    "distance_median_relative": Metric(
        "distance_relative", "median", 3,
        "error of the predicted distance over the true one; lower is better",
    ),
    "watertight": Metric(
        "watertight", "mean", 3,
        "share of meshes whose every edge has two faces, which run along it in opposite directions",
    ),
    "flipped_faces": Metric(
        "flipped_faces", "mean", 4,
        "share of faces that look into space enclosed inside out (negative winding number before "
        "their middle); lower is better",
    ),
    "self_intersections": Metric(
        "self_intersections", "mean", 4,
        "share of faces that another face cuts with which they share no vertex; lower is better",
    ),
    "iou2d_segmenter": Metric(
        "iou2d_segmenter", "mean", 3,
        "the segmenter's mask against the true one: bounds what the network is given",
    ),
}  # fmt: skip
