"""The report of real photographs: metrics, flags and pictures.

Writes `report.json`, `report.md`, `report.html` and `contact_sheet.png`.
"""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graphics.camera import wrap_degrees
from train.data.photo_set import PhotoSet
from train.evaluation.contact_sheet import Shown, gallery_of
from train.evaluation.metrics import INTERVAL, ROWS, Estimate, estimates
from train.evaluation.photo_benchmark import PHOTO_METRICS, TURNS_DEGREES, PhotosMeasured
from train.evaluation.report import Report, ReportRow

TITLES = (
    ["photograph"], ["mask"], ["re-render"], [f"+{turn:.0f}°" for turn in TURNS_DEGREES],
)  # fmt: skip


def write_photo_report(
    folder: Path,
    measured: PhotosMeasured,
    photos: PhotoSet,
    about: Mapping[str, Any],
    row: str = "bundle",
) -> Report:
    """Write the report. `row`: what was measured, one of `metrics.ROWS`."""
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
        {row: ReportRow(metrics, ROWS[row])},
        {name: PHOTO_METRICS[name] for name in metrics},
        INTERVAL.format("photographs"),
        notes=[f"flagged as {flag}: {count}" for flag, count in sorted(flags.items())],
        skipped=photos.skipped,
        files={"contact_sheet.png": gallery.contact_sheet},
        pictures=gallery.pictures,
        pictures_text=gallery.text,
        details={
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


def camera_entry(camera: np.ndarray) -> dict[str, Any]:  # [5]
    """A predicted camera, as the JSON of a report has it."""
    azimuth, elevation, distance, x, y = camera.astype(float).tolist()
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
    mask = np.rint(measured.masks[number] * 255).astype(np.uint8)
    rerender, *turned = measured.renders[number]
    azimuth, elevation = measured.cameras[number, :2].astype(float).tolist()
    caption = (
        f"{photos.names[number]}  re-render IoU {measured.scores.iou2d_rerender[number]:.2f}  "
        f"azimuth {float(wrap_degrees(azimuth)):.0f}, elevation {elevation:.0f} degrees"
    )
    flags = ", ".join(measured.flags[number])
    groups = ([photos.scenes[number]], [mask], [rerender], turned)
    return Shown(groups, f"{caption}  ({flags})" if flags else caption)
