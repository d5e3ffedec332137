"""The report of a generator, over several seeds: `generator.json`, `generator.md`, `grid.png`."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train.evaluation.generator_benchmark import Sizes, measure_generator, photographed
from train.evaluation.hull_benchmark import HullBenchmark
from train.models.attributes import load_attributes
from train.models.generator import Generator
from train.models.given_features import load_features
from train.models.segmenter import SegmenterError, load_segmenter
from train.models.weights import SHIPPED, load_generator
from train.pictures.view_grid import write_view_grid
from train.pose.attribute_classifier import SHIPPED as SHIPPED_CLASSIFIER
from train.pose.attribute_classifier import classifier_errors
from train.running.device import default_device
from train.running.progress import Progress
from train.running.workspace import WorkspaceError, write_atomically, write_json

SEEDS = (11, 12, 13)
SHIPPED_GENERATOR = SHIPPED / "camera_conditioned" / "generator.safetensors"


def report_generator(
    path: Path,
    out: Path,
    bundle: Path,
    inception: Path | None = None,
    *,
    seeds: Sequence[int] = SEEDS,
    sizes: Sizes | None = None,
) -> str:
    """Measure the generator of a file, write the report, return its Markdown.

    `bundle`: the folder whose segmenter finds the silhouettes of a camera-conditioned generator;
    `inception`: a file of `train.models.given_features`, for the figure `fid_inception`.

    Raises:
        WorkspaceError, OSError: the file is no generator, or of a size that the instrument cannot
            read, or the folder holds no segmenter.
        FeaturesError: `inception` is no feature network of such images.
    """
    generator = load_generator(path).eval().to(default_device())
    classifier = load_attributes(SHIPPED_CLASSIFIER).to(default_device())
    if generator.shape.size < classifier.size:
        raise WorkspaceError(
            f"{path} makes {generator.shape.size} px images; the classifier reads "
            f"{classifier.size} px and more: train it with photographs.size of at least that"
        )
    began, sizes = time.monotonic(), sizes or Sizes()
    features = inception and load_features(inception, classifier.size, default_device())
    hull = _hull(bundle, classifier.size, sizes) if generator.knows_elevations else None
    data = photographed(classifier, sizes.photographs, features)
    progress, found = Progress(None, "generator", len(seeds), every=0.0), []
    for seed in seeds:
        found.append(measure_generator(generator, classifier, data, seed, sizes))
        progress.tick(len(found), seed=seed, deviation=found[-1]["viewpoint_std_deg"])
    references = {} if hull is None else _with_hulls(found, hull, generator, seeds)
    report = {
        "generator": path.name,
        "camera_conditioned": generator.camera_conditioned,
        "seeds": list(seeds),
        "sizes": sizes._asdict(),
        "inception": inception and inception.name,
        "classifier_errors": classifier_errors(classifier),
        "hull_references": references,
        "metrics": {name: _over_seeds([one[name] for one in found]) for name in found[0]},
        "seconds": round(time.monotonic() - began, 1),
    }
    write_json(out / "generator.json", report)
    write_view_grid(generator, out / "grid.png")
    text = _markdown(report)
    write_atomically(out / "generator.md", text.encode())
    return text


def _hull(bundle: Path, size: int, sizes: Sizes) -> HullBenchmark:
    """The instrument of silhouettes, or why there is none, before anything is measured."""
    try:
        return HullBenchmark(load_segmenter(bundle, default_device()), size, sizes.hulls)
    except SegmenterError as error:
        raise WorkspaceError(
            f"{bundle} holds no segmenter, which finds the silhouettes ({error}): give a bundle "
            "with --bundle"
        ) from error


def _with_hulls(
    found: list[dict[str, Any]], hull: HullBenchmark, generator: Generator, seeds: Sequence[int]
) -> dict[str, dict[str, float]]:
    """Add the silhouettes' metrics to each seed's; returns those that they are read between."""
    for metrics, seed in zip(found, seeds, strict=True):
        metrics |= hull.measure(generator, seed)._asdict()
    return {name: metrics._asdict() for name, metrics in hull.references().items()}


def _over_seeds(values: list[Any]) -> dict[str, Any]:
    """Mean and range; of shares by attribute, attribute by attribute."""
    if isinstance(values[0], dict):
        return {name: _over_seeds([one[name] for one in values]) for name in values[0]}
    numbers = np.asarray(values, np.float64)  # [seeds] or [seeds, 2]
    columns = {"mean": numbers.mean(0), "low": numbers.min(0), "high": numbers.max(0)}
    return {name: np.round(column, 4).tolist() for name, column in columns.items()}


def _markdown(report: dict[str, Any]) -> str:
    """One line per figure: mean over the seeds and its range."""
    kind = "camera-conditioned" if report["camera_conditioned"] else "unconditional"
    seeds = ", ".join(map(str, report["seeds"]))
    lines = [f"{report['generator']}, {kind}; mean (range) over seeds {seeds}", ""]
    lines += ["| figure | value |", "|---|---|"]
    for name, metric in report["metrics"].items():
        if "mean" in metric:
            lines.append(f"| {name} | {metric['mean']} ({metric['low']}, {metric['high']}) |")
            continue
        for attribute, shares in metric.items():
            view, content = shares["mean"]
            lines.append(f"| {name}: {attribute} | {view} / {content} |")
    for name, metrics in report["hull_references"].items():
        for metric, value in metrics.items():
            lines.append(f"| {metric} of {name.replace('_', ' ')} | {value:.4f} |")
    errors = report["classifier_errors"]
    lines += ["", f"The instrument's own errors on held-out photographs: {errors}"]
    return "\n".join(lines) + "\n"
