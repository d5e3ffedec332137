"""The benchmark for real photographs, of which there is little or no ground truth, and its report.

What can be said without it: whether the prediction, rendered at its own camera, covers the object
(`iou2d_rerender`), whether the mesh is sound, how confident the network is of the azimuth, and
what a person should look at first: the service's flags (`graphics.quality`), but with the predicted
texture. Given masks are what the network gets, and the segmenter is compared with them. Given
cameras (PASCAL3D+) are compared with the predicted ones.

Writes `report.json`, `report.md`, `report.html` and `contact_sheet.png`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from graphics import azimuth, camera, quality
from graphics.camera import AZIMUTH, DISTANCE, ELEVATION, wrap_degrees
from graphics.mesh import Template
from train.data.photo_set import PhotoSet
from train.evaluation.benchmark import BATCH, Predicted
from train.evaluation.contact_sheet import Shown, gallery_of
from train.evaluation.metrics import (
    INTERVAL,
    METRICS,
    ROWS,
    Estimate,
    Metric,
    estimates,
)
from train.evaluation.renders import as_pixels, render_on_grey
from train.evaluation.report import Report, ReportRow
from train.metrics.mask_iou import mask_iou, solid
from train.metrics.mesh_quality import flipped_faces, self_intersections, watertight
from train.running.chunks import joined
from train.running.gate import Gate, as_facts
from train.running.progress import ignore_progress

TURNS_DEGREES = (60.0, 120.0, 180.0, 240.0, 300.0)
"""Azimuths of the views that people are shown, beyond the predicted one."""
SHOWN_ELEVATION_DEGREES = 15.0
TITLES = (
    ["photograph"], ["mask"], ["re-render"], [f"+{turn:.0f}°" for turn in TURNS_DEGREES],
)  # fmt: skip

PHOTO_METRICS: dict[str, Metric] = {
    "iou2d_rerender": Metric(
        "silhouette at the predicted camera against the mask that the network was given: the one "
        "in --masks, the alpha channel or the layout's, else the segmenter's own"
    ),
    "iou2d_segmenter": Metric(
        "the segmenter's mask against the given one, of photographs that have one"
    ),
    "confidence": Metric("the network's own, of the azimuth, 0 to 1"),
    "azimuth_median_deg": METRICS["azimuth_median_deg"]._replace(
        definition="error of the predicted azimuth, of photographs with a camera; lower is better"
    ),
    **{
        name: METRICS[name]
        for name in (
            "azimuth_acc30", "elevation_median_deg",
            "watertight", "flipped_faces", "self_intersections",
        )
    },
}  # fmt: skip


class PhotoScores(NamedTuple):
    """One value per photograph, each f64 [N]; NaN where there is no ground truth."""

    iou2d_rerender: NDArray[np.float64]
    iou2d_segmenter: NDArray[np.float64]
    confidence: NDArray[np.float64]
    azimuth_degrees: NDArray[np.float64]
    elevation_degrees: NDArray[np.float64]
    watertight: NDArray[np.float64]
    flipped_faces: NDArray[np.float64]
    self_intersections: NDArray[np.float64]


class PhotosMeasured(NamedTuple):
    """Scores, cameras, flags and pictures of N photographs."""

    scores: PhotoScores
    cameras: NDArray[np.float32]
    """[N, 5] as predicted."""
    flags: list[list[quality.Flag]]
    """The flags of each photograph, by `graphics.quality`: a person should look at these."""
    masks: NDArray[np.float32]
    """[N, R, R] in 0..1, as the network was given them."""
    renders: NDArray[np.uint8]
    """[N, 6, R, R, 3]: at the predicted camera, then from other azimuths, on grey."""


class OfRun(NamedTuple):
    """What the report of a run has beside the metrics of its photographs."""

    rows: Mapping[str, ReportRow]
    gates: Sequence[Gate]


class PhotoPredictor(Protocol):
    """A bundle, or the networks of a run."""

    template: Template

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Masks [B, R, R] in 0..1 of photographs [B, R, R, 3]."""
        ...

    def reconstruct(self, images: NDArray[np.uint8], masks: NDArray[np.float32]) -> Predicted:
        """Read photographs whose masks are known."""
        ...


def measure_photos(
    predictor: PhotoPredictor,
    photos: PhotoSet,
    on_progress: Callable[[int], None] = ignore_progress,
) -> PhotosMeasured:
    """Let a bundle, or a run's networks, read every photograph.

    `on_progress`: gets the number done, from time to time.
    """
    parts = []
    for start in range(0, len(photos.images), BATCH):
        part = slice(start, start + BATCH)
        parts.append(_measure_part(predictor, photos, part))
        on_progress(min(part.stop, len(photos.images)))
    _, cameras, flags, masks, renders = zip(*parts, strict=True)
    return PhotosMeasured(
        joined([part.scores for part in parts]),
        np.concatenate(cameras),
        [flag for part in flags for flag in part],
        np.concatenate(masks),
        np.concatenate(renders),
    )


def _measure_part(predictor: PhotoPredictor, photos: PhotoSet, part: slice) -> PhotosMeasured:
    images, masked, true = photos.images[part], photos.masked[part], photos.cameras[part]
    segmented = predictor.segment(photos.scenes[part])
    masks = np.where(masked[:, None, None], photos.masks[part], segmented)
    read = predictor.reconstruct(images, masks)
    renders, covered = _renders(read, predictor, images.shape[1])
    rerendered = mask_iou(covered, solid(masks))
    segmenter = mask_iou(solid(segmented), solid(photos.masks[part]))
    predicted, faces = read.cameras.astype(np.float64), predictor.template.faces
    scores = PhotoScores(
        rerendered,
        np.where(masked, segmenter, np.nan),
        read.confidences.astype(np.float64),
        camera.azimuth_difference_degrees(predicted[:, AZIMUTH], true[:, AZIMUTH]),
        np.abs(predicted[:, ELEVATION] - true[:, ELEVATION]),
        np.full(len(images), float(watertight(faces))),
        np.array([flipped_faces(vertices, faces) for vertices in read.vertices]),
        np.array([self_intersections(vertices, faces) for vertices in read.vertices]),
    )
    taken = [photos.photograph(number) for number in range(len(photos.names))[part]]
    errors = map(quality.colour_difference, images, renders[:, 0] / np.float32(255), covered)
    opposite = map(_opposite, read.azimuth_probabilities, predicted[:, AZIMUTH])
    judged = zip(taken, masks, rerendered, errors, scores.confidence, opposite, strict=True)
    flags = [quality.flags(*each) for each in judged]
    return PhotosMeasured(scores, read.cameras, flags, masks, renders)


def _opposite(probabilities: NDArray[np.float32], azimuth_degrees: float) -> float:
    """The probability [24] → 0..1 that the object faces the other way."""
    others = azimuth.alternatives(probabilities, azimuth_degrees)
    return azimuth.opposite_probability(others, azimuth_degrees)


def _renders(
    read: Predicted, predictor: PhotoPredictor, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pictures [B, 6, R, R, 3], and where the mesh is [B, R, R] at the predicted cameras."""
    turned = turned_cameras(read.cameras, TURNS_DEGREES)
    views = [
        render_on_grey(read.vertices, read.textures, cameras, predictor.template, size)
        for cameras in (read.cameras, *turned)
    ]
    return np.stack([as_pixels(view.images) for view in views], axis=1), solid(views[0].masks)


def turned_cameras(
    cameras: NDArray[np.float32],  # [B, 5]
    turns_degrees: Sequence[float],  # T of them
) -> NDArray[np.float32]:  # [T, B, 5]
    """From where people are shown a prediction, beyond its own camera."""
    turned = np.zeros((len(turns_degrees), *cameras.shape), np.float32)
    turned[..., AZIMUTH] = cameras[:, AZIMUTH] + np.array(turns_degrees)[:, None]
    turned[..., ELEVATION] = SHOWN_ELEVATION_DEGREES
    # As large as at the nominal distance, and in the middle.
    turned[..., DISTANCE] = np.maximum(cameras[:, DISTANCE], camera.NOMINAL_DISTANCE)
    return turned


def write_photo_report(
    folder: Path,
    measured: PhotosMeasured,
    photos: PhotoSet,
    about: Mapping[str, Any],
    row: str = "bundle",
    of_run: OfRun | None = None,
) -> Report:
    """Write the report. `row`: what was measured, one of `metrics.ROWS`."""
    of_run = of_run or OfRun({}, [])
    metrics = photo_estimates(measured)
    flags = Counter(flag for found in measured.flags for flag in found)
    shown = partial(_shown, measured, photos)
    gallery = gallery_of(measured.scores.iou2d_rerender, "iou2d_rerender", shown, TITLES)
    report = Report(
        "Evaluation of photographs",
        {
            **about,
            "photographs": len(photos.names),
            "with_mask": int(photos.masked.sum()),
            "flagged": sum(bool(found) for found in measured.flags),
            "skipped_count": len(photos.skipped),
        },
        {row: ReportRow(metrics, ROWS[row])} | dict(of_run.rows),
        {name: PHOTO_METRICS[name] for name in metrics},
        INTERVAL.format("photographs"),
        notes=[gate.line() for gate in of_run.gates]
        + [f"flagged as {flag}: {count}" for flag, count in sorted(flags.items())],
        skipped=photos.skipped,
        files={"contact_sheet.png": gallery.contact_sheet},
        pictures=gallery.pictures,
        pictures_text=gallery.text,
        details={
            "gates": as_facts(of_run.gates),
            "flags": dict(flags),
            "photographs": [_entry(measured, photos, i) for i in range(len(photos.names))],
        },
    )  # fmt: skip
    report.write(folder)
    return report


def photo_estimates(measured: PhotosMeasured) -> dict[str, Estimate]:
    """Every metric that some photograph has."""
    scores = measured.scores._asdict()
    known = {name: values[np.isfinite(values)] for name, values in scores.items()}
    return estimates(known, PHOTO_METRICS)


def camera_entry(predicted: np.ndarray) -> dict[str, Any]:  # [5]
    """A predicted camera, as the JSON of a report has it."""
    azimuth, elevation, distance, x, y = predicted.astype(float).tolist()
    return {
        "azimuth_degrees": round(float(wrap_degrees(azimuth)), 2),
        "elevation_degrees": round(elevation, 2),
        "distance": round(distance, 3),
        "offset": [round(x, 4), round(y, 4)],
    }


def _entry(measured: PhotosMeasured, photos: PhotoSet, number: int) -> dict[str, Any]:
    """One photograph, as the JSON has it."""
    scores = {
        name: round(float(values[number]), 5)
        for name, values in measured.scores._asdict().items()
        if np.isfinite(values[number])
    }
    return {
        "name": photos.names[number],
        "camera": camera_entry(measured.cameras[number]),
        **scores,
        "flags": measured.flags[number],
    }


def _shown(measured: PhotosMeasured, photos: PhotoSet, number: int) -> Shown:
    """The pictures of one photograph, in the order of `TITLES`."""
    rerender, *turned = measured.renders[number]
    azimuth, elevation = measured.cameras[number, :2].astype(float).tolist()
    caption = (
        f"{photos.names[number]}  re-render IoU {measured.scores.iou2d_rerender[number]:.2f}  "
        f"azimuth {float(wrap_degrees(azimuth)):.0f}, elevation {elevation:.0f} degrees"
    )
    if flags := ", ".join(measured.flags[number]):
        caption += f"  ({flags})"
    groups = ([photos.scenes[number]], [as_pixels(measured.masks[number])], [rerender], turned)
    return Shown(groups, caption)
