"""The report of a measurement: JSON, Markdown and a page, two pictures, scores of every object.

Every figure is named after its protocol, and comes with the interval that holds 95 % of 2,000
bootstrap resamples of the objects: how much the figure would move with other held-out objects.
It does not hold what another training run would give.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.data.held_out import HeldOut
from train.evaluation.benchmark import Measured, Scores
from train.evaluation.contact_sheet import azimuth_histogram, contact_sheet
from train.evaluation.metrics import HEADLINE, METRICS, ORACLE, ROWS, Estimate, cell
from train.evaluation.report_page import page
from train.running.workspace import write_atomically, write_json

RESAMPLES = 2_000
CONFIDENCE = 0.95


def summarise(values: NDArray[np.floating], statistic: str) -> NDArray[np.float64]:
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
    resamples: int = RESAMPLES,
) -> Estimate:
    """A figure with its percentile interval; always the same resamples for one N."""
    chosen = np.random.default_rng(0).integers(0, len(values), (resamples, len(values)))
    spread = summarise(np.asarray(values)[chosen], statistic)
    tails = (1 - CONFIDENCE) / 2
    low, high = np.quantile(spread, [tails, 1 - tails])
    return Estimate(float(summarise(values, statistic)), float(low), float(high))


def estimates(scores: Scores) -> dict[str, Estimate]:
    """Every figure of one row."""
    return {
        name: bootstrap(getattr(scores, metric.score), metric.statistic)
        for name, metric in METRICS.items()
    }


def write_report(
    folder: Path,
    rows: Mapping[str, Measured],
    truth: HeldOut,
    about: Mapping[str, Any],
) -> dict[str, dict[str, Estimate]]:
    """Write the report of the rows, the first of which is what is measured, the others beside it.

    `about`: what a reader must know to get the same metrics again. Returns the metrics by row.
    """
    metrics = {name: estimates(measured.scores) for name, measured in rows.items()}
    margins = _margins(rows)
    first = next(iter(rows.values()))
    counts = {name: len(measured.scores.iou2d_input) for name, measured in rows.items()}
    about = {
        "objects": len(truth.images),
        "novel_views": truth.novel_cameras.shape[1],
        "size": truth.images.shape[1],
        **about,
    }
    write_json(folder / "report.json", {
        "about": about,
        "row_meanings": {row: ROWS[row] for row in rows},
        "protocols": {name: metric.protocol for name, metric in METRICS.items()},
        "rows": {row: {name: estimate._asdict() for name, estimate in values.items()}
                 for row, values in metrics.items()},
        "objects_of_rows": counts,
        f"margin_{HEADLINE}": {row: margin._asdict() for row, margin in margins.items()},
    })  # fmt: skip
    per_object = {row: _rounded(measured.scores) for row, measured in rows.items()}
    write_json(folder / "objects.json", {"names": truth.names, **per_object})
    titled = {
        row if counts[row] == about["objects"] else f"{row} ({counts[row]} objects)": values
        for row, values in metrics.items()
    }
    write_atomically(folder / "report.md", markdown(titled, margins, about).encode())
    write_atomically(folder / "report.html", page(titled, about, first, truth).encode())
    write_atomically(folder / "contact_sheet.png", contact_sheet(first, truth))
    # The ceiling is given the true cameras: it has no errors to show.
    errors = {
        name: measured.scores.azimuth_signed_degrees
        for name, measured in rows.items()
        if name != ORACLE
    }
    write_atomically(folder / "azimuth_errors.png", azimuth_histogram(errors))
    return metrics


def markdown(
    metrics: Mapping[str, Mapping[str, Estimate]],
    margins: Mapping[str, Estimate],
    about: Mapping[str, Any],
) -> str:
    """The report for people: one line per figure, one column per row of `figures`."""
    lines = ["# Evaluation", ""]
    lines += [f"- {name}: {json.dumps(value)}" for name, value in about.items()]
    lines += ["", "| figure | " + " | ".join(metrics) + " |", "|---|" + "---|" * len(metrics)]
    for name, metric in METRICS.items():
        cells = (cell(values[name], metric.digits) for values in metrics.values())
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    lines += ["", "In brackets: 95 % bootstrap interval over the objects.", ""]
    first = next(iter(metrics))
    lines += [f"- `{row}`: {ROWS[row]}." for row in (first, *margins)]
    lines.append("")
    for row, margin in margins.items():
        lines.append(f"- `{HEADLINE}`, {first} above {row}, object by object: {cell(margin, 3)}")
    lines += ["", "## What is measured", ""]
    lines += [f"- `{name}`: {metric.protocol}." for name, metric in METRICS.items()]
    lines += ["", "![objects](contact_sheet.png)", "", "![azimuth](azimuth_errors.png)", ""]
    return "\n".join(lines)


def _margins(rows: Mapping[str, Measured]) -> dict[str, Estimate]:
    """By how much the first row is above each other one in the headline figure, in pairs: over the
    objects that the other row has, which are the first ones."""
    (_, first), *others = rows.items()
    metric = METRICS[HEADLINE]
    ours = getattr(first.scores, metric.score)
    margins = {}
    for name, measured in others:
        theirs = getattr(measured.scores, metric.score)
        margins[name] = bootstrap(ours[: len(theirs)] - theirs, metric.statistic)
    return margins


def _rounded(scores: Scores) -> dict[str, list[float]]:
    return {name: np.round(values, 5).tolist() for name, values in scores._asdict().items()}
