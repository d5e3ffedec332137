"""The report of real photographs: JSON, Markdown and a page, a contact sheet."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from graphics.camera import wrap_degrees
from train.data.photo_set import PhotoSet
from train.evaluation.contact_sheet import best_middle_worst
from train.evaluation.metrics import Estimate, cell
from train.evaluation.photo_benchmark import PHOTO_METRICS, PhotosMeasured
from train.evaluation.report import bootstrap
from train.evaluation.report_page import TITLES, document, picture, table_of
from train.pictures.captioned_sheet import captioned_sheet, jpeg_of, line_of
from train.running.workspace import write_atomically, write_json

ON_SHEET, ON_PAGE = 4, 10
"""Photographs of the best, of the middle and of the worst."""
HEADLINE = "iou2d_rerender"
COLUMNS = "photograph | mask | re-render | turned by 60, 120, 180, 240, 300 degrees"
NAMED = 20
"""Files left out that the Markdown names; the JSON names all."""


def write_photo_report(
    folder: Path, measured: PhotosMeasured, photos: PhotoSet, about: Mapping[str, Any]
) -> str:
    """Write `report.json`, `report.md`, `report.html` and `contact_sheet.png`; the Markdown."""
    metrics = photo_estimates(measured)
    flags = Counter(flag for found in measured.flags for flag in found)
    about = {
        **about,
        "photographs": len(photos.names),
        "with_mask": int(photos.masked.sum()),
        "flagged": sum(bool(found) for found in measured.flags),
        "skipped_count": len(photos.skipped),
    }
    write_json(folder / "report.json", {
        "about": about,
        "protocols": {name: PHOTO_METRICS[name].protocol for name in metrics},
        "metrics": {name: estimate._asdict() for name, estimate in metrics.items()},
        "flags": dict(flags),
        "photographs": [_entry(measured, photos, number) for number in range(len(photos.names))],
        "skipped": [skipped._asdict() for skipped in photos.skipped],
    })  # fmt: skip
    text = _markdown(metrics, about, flags, photos)
    write_atomically(folder / "report.md", text.encode())
    write_atomically(folder / "contact_sheet.png", _contact_sheet(measured, photos))
    page = _page(metrics, about, flags, measured, photos)
    write_atomically(folder / "report.html", page.encode())
    return text


def photo_estimates(measured: PhotosMeasured) -> dict[str, Estimate]:
    """Every figure that some photograph has."""
    metrics = {}
    for name, metric in PHOTO_METRICS.items():
        values = getattr(measured.scores, metric.score)
        values = values[np.isfinite(values)]
        if len(values):
            metrics[name] = bootstrap(values, metric.statistic)
    return metrics


def _entry(measured: PhotosMeasured, photos: PhotoSet, number: int) -> dict[str, Any]:
    """One photograph, as the JSON has it."""
    azimuth, elevation, distance, x, y = measured.cameras[number].astype(float).tolist()
    scores = {
        name: round(float(values[number]), 5)
        for name, values in measured.scores._asdict().items()
        if np.isfinite(values[number])
    }
    return {
        "name": photos.names[number],
        "camera": {
            "azimuth_degrees": round(float(wrap_degrees(azimuth)), 2),
            "elevation_degrees": round(elevation, 2),
            "distance": round(distance, 3),
            "offset": [round(x, 4), round(y, 4)],
        },
        **scores,
        "flags": measured.flags[number],
    }


def _markdown(
    metrics: Mapping[str, Estimate],
    about: Mapping[str, Any],
    flags: Mapping[str, int],
    photos: PhotoSet,
) -> str:
    lines = ["# Evaluation of photographs", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += ["", "| figure | value |", "|---|---|"]
    for name, estimate in metrics.items():
        lines.append(f"| `{name}` | {cell(estimate, PHOTO_METRICS[name].digits)} |")
    lines += ["", "In brackets: 95 % bootstrap interval over the photographs.", ""]
    lines += [f"- flagged as {flag}: {count}" for flag, count in sorted(flags.items())]
    if photos.skipped:
        lines += ["", f"## Left out: {len(photos.skipped)}", ""]
        lines += [f"- {name}: {reason}" for name, reason in photos.skipped[:NAMED]]
        if len(photos.skipped) > NAMED:
            lines.append(f"- and {len(photos.skipped) - NAMED} more, named in report.json")
    lines += ["", "## What is measured", ""]
    lines += [f"- `{name}`: {PHOTO_METRICS[name].protocol}." for name in metrics]
    lines += ["", "![photographs](contact_sheet.png)", ""]
    return "\n".join(lines)


def _page(
    metrics: Mapping[str, Estimate],
    about: Mapping[str, Any],
    flags: Mapping[str, int],
    measured: PhotosMeasured,
    photos: PhotoSet,
) -> str:
    rows = [
        [name, cell(estimate, PHOTO_METRICS[name].digits), PHOTO_METRICS[name].protocol]
        for name, estimate in metrics.items()
    ]
    body = table_of(["metric", "value", "what is measured"], rows)
    body += "<p>In brackets: 95 % bootstrap interval over the photographs.</p>"
    body += table_of(["flag", "photographs"], [[k, str(v)] for k, v in sorted(flags.items())])
    body += f"<h2>Pictures</h2><p>By {HEADLINE}, from left to right: {COLUMNS}.</p>"
    shown = ""
    for group, number in best_middle_worst(measured.scores.iou2d_rerender, ON_PAGE):
        if group != shown:
            body += f"<h3>{TITLES[group]}</h3>"
            shown = group
        content = jpeg_of(_line(measured, photos, number))
        body += picture(content, _caption(measured, photos, number))
    body += f"<h2>Left out: {len(photos.skipped)}</h2>"
    body += table_of(["file", "reason"], [list(skipped) for skipped in photos.skipped])
    body += "<h2>Of what</h2>" + table_of(["", ""], [[k, str(v)] for k, v in about.items()])
    return document("Evaluation of photographs", body)


def _contact_sheet(measured: PhotosMeasured, photos: PhotoSet) -> bytes:
    chosen = best_middle_worst(measured.scores.iou2d_rerender, ON_SHEET)
    lines = [_line(measured, photos, number) for _, number in chosen]
    captions = [f"{group}  {_caption(measured, photos, number)}" for group, number in chosen]
    return captioned_sheet([(0, COLUMNS)], captions, lines)


def _line(measured: PhotosMeasured, photos: PhotoSet, number: int) -> Image.Image:
    """photograph | mask | re-render | turned views"""
    mask = np.rint(measured.masks[number] * 255).astype(np.uint8)
    return line_of(
        [photos.images[number]],
        [mask],
        [measured.renders[number, 0]],
        list(measured.renders[number, 1:]),
    )


def _caption(measured: PhotosMeasured, photos: PhotoSet, number: int) -> str:
    azimuth, elevation = measured.cameras[number, :2].astype(float).tolist()
    text = (
        f"{photos.names[number]}  re-render IoU {measured.scores.iou2d_rerender[number]:.2f}  "
        f"azimuth {float(wrap_degrees(azimuth)):.0f}, elevation {elevation:.0f} degrees"
    )
    flags = ", ".join(measured.flags[number])
    return f"{text}  ({flags})" if flags else text
