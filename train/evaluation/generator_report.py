"""The report of a generator, over several seeds.

Writes `generator.json`, `generator.md`, `generator.html` and `grid.png`.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graphics.sheet import png_of
from train.evaluation.generator_benchmark import (
    HullBenchmark,
    HullMetrics,
    Sizes,
    measure_generator,
    photographed,
)
from train.evaluation.metrics import Estimate, Metric
from train.evaluation.report import Report, ReportRow
from train.models.attributes import load_attributes
from train.models.given_features import load_features
from train.models.segmenter import SegmenterError, load_segmenter
from train.models.weights import SHIPPED, load_generator
from train.pictures.grid import view_grid
from train.pose.attribute_classifier import SHIPPED as SHIPPED_CLASSIFIER
from train.pose.attribute_classifier import classifier_errors
from train.running.device import default_device
from train.running.progress import Progress
from train.running.workspace import WorkspaceError

SEEDS = (11, 12, 13)
SHIPPED_GENERATOR = SHIPPED / "camera_conditioned" / "generator.safetensors"
REFERENCES = {
    "true_renders": "renders of held-out vehicles, an upper bound",
    "mixed_renders": "renders that show another vehicle in every view, a baseline",
}
HULL = "mean IoU of an object's silhouettes with those of the one shape that fits them best, over "
DEFINITIONS = {
    "fd_attributes": "Fréchet distance in the attribute classifier's features; no FID",
    "fid_inception": "FID: the Fréchet distance in the features of the given Inception network",
    "viewpoint_std_deg": "circular standard deviation of the azimuth over the content codes of a "
    "view, median of the views; lower is better",
    "viewpoint_std_under_20": "share of views whose standard deviation is below 20 degrees",
    "flip_rate": "share of images that face more than 90 degrees away from the median of their "
    "view; lower is better",
    "object_consistency": "share of the variance of body kind, roof height and length that the "
    "content code alone explains, their mean",
    "roof_height_spread": "standard deviation of the roof heights over that of photographs",
    "asked_vs_read_azimuth_deg": "median of |asked - read| in degrees",
    "asked_vs_read_azimuth_beyond_30": "share of images off by more than 30 degrees",
    "asked_vs_read_azimuth_beyond_90": "share of images off by more than 90 degrees",
    "asked_vs_read_distance": "median of |asked - read| / asked",
    "asked_vs_read_elevation_deg": "median of |asked - read| in degrees",
    "object_consistency_hull_12_views": f"{HULL}all twelve views",
    "object_consistency_hull_2_views": f"{HULL}pairs of views a quarter of the circle apart",
}
"""Metric -> what it measures; the attribute classifier reads the images."""


def report_generator(
    path: Path,
    out: Path,
    bundle: Path,
    inception: Path | None = None,
    *,
    seeds: Sequence[int] = SEEDS,
    sizes: Sizes | None = None,
) -> Report:
    """Measure the generator of a file and write the report.

    `bundle`: the folder whose segmenter finds the silhouettes of a camera-conditioned generator;
    `inception`: a file of `train.models.given_features`, for the metric `fid_inception`.

    Raises:
        WorkspaceError, OSError: the file is no generator, or of a size that the classifier cannot
            read, or the folder holds no segmenter.
        FeaturesError: `inception` is no feature network of such images.
    """
    generator = load_generator(path).eval().to(default_device())
    classifier = load_attributes(SHIPPED_CLASSIFIER).to(default_device())
    if generator.shape.size < classifier.size:
        raise WorkspaceError(
            f"{path} makes {generator.shape.size} px images; the classifier reads "
            f"{classifier.size} px and more: train it with --photographs.size of at least that"
        )
    began, sizes = time.monotonic(), sizes or Sizes()
    features = inception and load_features(inception, classifier.size, default_device())
    hull = _hull(bundle, classifier.size, sizes) if generator.knows_elevations else None
    data = photographed(classifier, sizes.photographs, features)
    progress, found = Progress(None, "generator", len(seeds), every=0.0), []
    for seed in seeds:
        found.append(measure_generator(generator, classifier, data, seed, sizes))
        if hull is not None:
            found[-1] |= hull.measure(generator, seed)._asdict()
        progress.tick(len(found), seed=seed, deviation=found[-1]["viewpoint_std_deg"])
    references = {} if hull is None else hull.references()
    about = {
        "generator": path.name,
        "camera_conditioned": generator.camera_conditioned,
        "seeds": list(seeds),
        "sizes": sizes._asdict(),
        "inception": inception and inception.name,
        "classifier_errors": classifier_errors(classifier),
        "seconds": round(time.monotonic() - began, 1),
    }
    report = generator_report(found, references, about, view_grid(generator))
    report.write(out, "generator")
    return report


def generator_report(
    found: Sequence[Mapping[str, float]],  # of each seed
    references: Mapping[str, HullMetrics],
    about: Mapping[str, Any],
    grid: Image.Image,
) -> Report:
    """The report of what `measure_generator` found."""
    ours = {}
    for name in found[0]:
        values = [metrics[name] for metrics in found]
        ours[name] = Estimate(*(round(float(f(values)), 4) for f in (np.mean, np.min, np.max)))
    rows = {"generator": ReportRow(ours)}
    for name, metrics in references.items():
        values = {key: Estimate(value) for key, value in metrics._asdict().items()}
        rows[name] = ReportRow(values, REFERENCES[name])
    return Report(
        "Evaluation of a generator",
        about,
        rows,
        {name: Metric(_definition(name), digits=4) for name in ours},
        "lowest and highest over the seeds",
        notes=["classifier_errors: the attribute classifier's own, on held-out photographs."],
        files={"grid.png": png_of(grid)},
        pictures_text="Rows: content codes. Columns: views.",
    )


def _hull(bundle: Path, size: int, sizes: Sizes) -> HullBenchmark:
    """The benchmark of silhouettes, or why there is none, before anything is measured."""
    try:
        return HullBenchmark(load_segmenter(bundle, default_device()), size, sizes.hulls)
    except SegmenterError as error:
        raise WorkspaceError(
            f"{bundle} holds no segmenter, which finds the silhouettes ({error}): give a bundle "
            "with --bundle"
        ) from error


def _definition(metric: str) -> str:
    code, share, attribute = metric.partition("_share_")
    if share:
        return f"share of the variance of {attribute} that the {code} code alone explains"
    return DEFINITIONS[metric]
