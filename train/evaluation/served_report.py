"""The report of labelled photographs that were posted to a service.

Writes `report.json`, `report.md`, `report.html` and `contact_sheet.png` (every photograph).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphics.sheet import Row, Style, png_of, sheet_of
from train.evaluation.contact_sheet import Shown, gallery_of
from train.evaluation.metrics import INTERVAL, Estimate, Metric, estimates
from train.evaluation.report import Report, ReportRow
from train.evaluation.served_photos import TURNS_DEGREES, ServedPhoto

RIGHT_DEGREES, FLIPPED_DEGREES = 30.0, 120.0
SURE = 0.9
BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Edges of the reliability table, of the confidence."""
TITLES = (
    ["photograph"], ["mask"], ["re-render"], [f"{azimuth}°" for azimuth in TURNS_DEGREES],
)  # fmt: skip
STYLE = Style(cell=128, gap=2, group_gap=12, margin=12)
METRICS = {
    "answered": Metric("share of the photographs that came back as meshes"),
    "azimuth_acc30": Metric(
        "share of azimuth errors of at most 30 degrees; a refused photograph is 180 degrees off",
        statistic="within30",
        score="azimuth_degrees",
    ),
    "azimuth_acc30_either": Metric(
        "azimuth_acc30 with the second hypothesis counted as right: where the camera or the most "
        "probable alternative is at most 30 degrees off",
        statistic="within30",
    ),
    "azimuth_flipped": Metric(
        f"share of azimuth errors beyond {FLIPPED_DEGREES:.0f} degrees: the front taken for the "
        "rear or the reverse; lower is better"
    ),
    "azimuth_median_deg": Metric(
        "error of the predicted azimuth; lower is better", 1, "azimuth_degrees", "median"
    ),
    "elevation_median_deg": Metric(
        "error of the predicted elevation, of those labelled; lower is better",
        1,
        "elevation_degrees",
        "median",
    ),
    "azimuth_acc30_top50": Metric(
        "azimuth_acc30 of the half with the highest confidence", statistic="within30"
    ),
    "azimuth_acc30_top80": Metric(
        "azimuth_acc30 of the 80 % with the highest confidence", statistic="within30"
    ),
    "azimuth_acc30_sure": Metric(
        f"azimuth_acc30 of those with a confidence over {SURE:g}", statistic="within30"
    ),
    "confidence": Metric("mean confidence; calibrated where it equals azimuth_acc30"),
    "calibration_error": Metric(
        "expected calibration error: the mean difference of confidence and azimuth_acc30 over the "
        "bins of the reliability table, weighted by their photographs; lower is better"
    ),
    "iou2d_segmenter": Metric("the served mask against the given one, over the whole photograph"),
    "iou2d_rerender": Metric("the mesh rendered at its own camera against the served mask"),
    "ambiguous": Metric("share of photographs flagged ambiguous_front_back"),
}


def write_served_report(
    folder: Path, served: Sequence[ServedPhoto], about: Mapping[str, Any], folds: int
) -> Report:
    """Write the report; with `folds` over 1 a row for each fold: every so manieth photograph."""
    rows = {"all": ReportRow(served_metrics(served), "all photographs of the table")}
    for fold in range(folds if folds > 1 else 0):
        definition = f"rows {fold + 1}, {fold + 1 + folds}, … of the table"
        rows[f"fold_{fold}"] = ReportRow(served_metrics(served[fold::folds]), definition)
    errors = np.array([one.azimuth_error_degrees for one in served])
    shown = [one for one in served if one.pictures]
    gallery = gallery_of(
        -np.array([one.azimuth_error_degrees for one in shown]),
        "azimuth error",
        lambda number: Shown(shown[number].pictures, _caption(shown[number])),
        TITLES,
    )
    sheet = [Row(one.pictures, captions=[_caption(one)]) for one in shown]
    table = reliability(_confidences(served), errors)
    report = Report(
        "Labelled photographs, as they are served",
        {**about, "photographs": len(served)},
        rows,
        {name: metric for name, metric in METRICS.items() if name in rows["all"].metrics},
        INTERVAL.format("photographs"),
        notes=[
            f"confidence {one['low']:g}..{one['high']:g}: {one['count']} photographs, "
            f"mean {one['confidence']:.2f}, azimuth right for {one['azimuth_acc30']:.2f}"
            for one in table
        ],
        files={"contact_sheet.png": png_of(sheet_of(sheet, TITLES, STYLE))} if sheet else {},
        pictures=gallery.pictures,
        pictures_text=gallery.text,
        details={"reliability": table, "photographs": [_entry(one) for one in served]},
    )  # fmt: skip
    report.write(folder)
    return report


def served_metrics(served: Sequence[ServedPhoto]) -> dict[str, Estimate]:
    """Every metric that some of these photographs has."""
    errors = np.array([one.azimuth_error_degrees for one in served])
    confidences = _confidences(served)
    order = np.argsort(-confidences, kind="stable")
    ok = [one for one in served if one.pictures]
    scores = {
        "answered": np.array([bool(one.pictures) for one in served], float),
        "azimuth_degrees": errors,
        "azimuth_acc30_either": np.minimum(errors, [one.second_error_degrees for one in served]),
        "azimuth_flipped": (errors > FLIPPED_DEGREES).astype(float),
        "elevation_degrees": np.array([one.elevation_error_degrees for one in served]),
        "azimuth_acc30_top50": errors[order[: -(-len(order) // 2)]],
        "azimuth_acc30_top80": errors[order[: -(-len(order) * 4 // 5)]],
        "azimuth_acc30_sure": errors[confidences > SURE],
        "confidence": confidences,
        "iou2d_segmenter": np.array([one.mask_iou for one in served]),
        "iou2d_rerender": np.array([one.entry["rerender_iou"] for one in ok]),
        "ambiguous": np.array(
            ["ambiguous_front_back" in one.entry.get("quality_flags", ()) for one in served], float
        ),
    }
    known = {name: values[np.isfinite(values)] for name, values in scores.items()}
    summed = {name: metric for name, metric in METRICS.items() if (metric.score or name) in known}
    found = estimates(known, summed)
    table = reliability(confidences, errors)
    apart = sum(one["count"] * abs(one["confidence"] - one["azimuth_acc30"]) for one in table)
    return {**found, "calibration_error": Estimate(apart / len(served))}


def reliability(
    confidences: NDArray[np.floating],  # [N] 0..1
    errors: NDArray[np.floating],  # [N] degrees
) -> list[dict[str, float]]:
    """How often the azimuth is right where the confidence lies in each bin; empty bins left out."""
    bins = np.clip(np.searchsorted(BINS, confidences, side="left") - 1, 0, len(BINS) - 2)
    return [
        {
            "low": BINS[number],
            "high": BINS[number + 1],
            "count": int((bins == number).sum()),
            "confidence": float(confidences[bins == number].mean()),
            "azimuth_acc30": float((errors[bins == number] <= RIGHT_DEGREES).mean()),
        }
        for number in np.unique(bins)
    ]


def _confidences(served: Sequence[ServedPhoto]) -> NDArray[np.float64]:
    """0 where the photograph was refused."""
    return np.array([one.entry.get("confidence") or 0.0 for one in served])


def _caption(one: ServedPhoto) -> str:
    flags = ", ".join(one.entry["quality_flags"])
    return (
        f"{one.photo.path.name}  azimuth {one.entry['camera']['azimuth_degrees']:.0f}°, labelled "
        f"{one.photo.azimuth_degrees:.0f}°  confidence {one.entry['confidence']:.2f}  "
        f"re-render IoU {one.entry['rerender_iou']:.2f}  {flags}"
    )


def _entry(one: ServedPhoto) -> dict[str, Any]:
    """One photograph, as the JSON of the report has it; without the files."""
    kept = ("status", "error", "camera", "confidence", "rerender_iou", "quality_flags", "frame")
    return {
        "file": one.photo.path.name,
        "azimuth_error_degrees": round(one.azimuth_error_degrees, 1),
        "iou2d_segmenter": None if np.isnan(one.mask_iou) else round(one.mask_iou, 4),
        **{name: one.entry[name] for name in kept if one.entry.get(name) is not None},
    }
