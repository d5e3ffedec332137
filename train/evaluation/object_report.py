"""The report of objects with ground truth: metrics of every row, pictures, scores of each object.

Writes `report.json`, `report.md`, `report.html`, `objects.json`, `contact_sheet.png` and
`azimuth_errors.png`.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graphics.sheet import png_of
from train.data.held_out import HeldOut
from train.evaluation.benchmark import Measured, shown_views
from train.evaluation.contact_sheet import Shown, gallery_of
from train.evaluation.metrics import (
    HEADLINE,
    INTERVAL,
    METRICS,
    ORACLE,
    ROWS,
    Estimate,
    bootstrap,
    estimates,
)
from train.evaluation.renders import as_pixels
from train.evaluation.report import Report, ReportRow
from train.pictures.histogram import azimuth_histogram
from train.running.gate import Gate, as_facts
from train.running.workspace import write_json

TITLES = (["photograph"], ["mask"], ["re-render"], ["predicted, novel views"], ["ground truth"])
"""The groups of pictures of an object."""
CAPTIONED = {
    "iou2d_novel30": 3, "iou2d_input": 3, "iou3d_canonical": 3, "fscore": 3, "psnr_novel": 1,
    "azimuth_degrees": 0,
}  # fmt: skip
"""Score -> digits, under each picture."""


def write_object_report(
    folder: Path,
    rows: Mapping[str, Measured],
    truth: HeldOut,
    about: Mapping[str, Any],
    gates: Sequence[Gate] = (),
) -> Report:
    """Write the report of the rows: the first is what is measured, the others beside it.

    `about`: what one must know to get the same metrics again; `gates`: of the run.
    """
    report = object_report(rows, truth, about, gates)
    report.write(folder)
    per_object = {
        row: {name: np.round(v, 5).tolist() for name, v in measured.scores._asdict().items()}
        for row, measured in rows.items()
    }
    write_json(folder / "objects.json", {"names": truth.names, **per_object})
    return report


def object_report(
    rows: Mapping[str, Measured],
    truth: HeldOut,
    about: Mapping[str, Any],
    gates: Sequence[Gate] = (),
) -> Report:
    """The report without its file of every object's scores."""
    every = len(truth.images)
    counts = {name: len(measured.scores.iou2d_input) for name, measured in rows.items()}
    first_name, first = next(iter(rows.items()))
    margins = _margins(rows)
    shown = partial(_shown, first, truth)
    gallery = gallery_of(getattr(first.scores, HEADLINE), HEADLINE, shown, TITLES)
    # The oracle is given the true cameras: it has no errors to show.
    errors = {
        name: measured.scores.azimuth_signed_degrees
        for name, measured in rows.items()
        if name != ORACLE
    }
    return Report(
        "Evaluation",
        {"objects": every, "novel_views": truth.novel_cameras.shape[1],
         "size": truth.images.shape[1], **about},
        {
            name: ReportRow(
                estimates(measured.scores._asdict(), METRICS),
                ROWS[name],
                "" if counts[name] == every else f"{counts[name]} objects",
            )
            for name, measured in rows.items()
        },
        METRICS,
        INTERVAL.format("objects"),
        notes=[gate.line() for gate in gates]
        + [
            f"{HEADLINE}, {first_name} above {row}, object by object: {margin.text(3)}"
            for row, margin in margins.items()
        ],
        files={
            "contact_sheet.png": gallery.contact_sheet,
            "azimuth_errors.png": png_of(azimuth_histogram(errors)),
        },
        pictures=gallery.pictures,
        pictures_text=gallery.text,
        details={
            "gates": as_facts(gates),
            "objects_of_rows": counts,
            f"margin_{HEADLINE}": {row: margin.json() for row, margin in margins.items()},
        },
    )  # fmt: skip


def _margins(rows: Mapping[str, Measured]) -> dict[str, Estimate]:
    """By how much the first row is above each other one in the headline metric, in pairs: over the
    objects that the other row has, which are the first ones."""
    (_, first), *others = rows.items()
    ours = getattr(first.scores, HEADLINE)
    margins = {}
    for name, measured in others:
        theirs = getattr(measured.scores, HEADLINE)
        margins[name] = bootstrap(ours[: len(theirs)] - theirs, METRICS[HEADLINE].statistic)
    return margins


def _shown(measured: Measured, truth: HeldOut, number: int) -> Shown:
    """The pictures of one object, in the order of `TITLES`."""
    views = shown_views(truth.novel_images.shape[1])
    groups = (
        [truth.images[number]],
        [as_pixels(measured.masks[number])],
        [measured.renders[number]],
        measured.novel[number],
        truth.novel_images[number, views],
    )
    scores = (
        f"{name} {getattr(measured.scores, name)[number]:.{digits}f}"
        for name, digits in CAPTIONED.items()
    )
    return Shown(groups, "  ".join([truth.names[number], *scores]))
