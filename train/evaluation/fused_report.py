"""The report of objects of several photographs: a row for each number of them, and a sheet.

Writes `fused.json`, `fused.md`, `fused.html` and `meshes.png`: the first objects from eight sides.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphics.camera import AZIMUTH, DISTANCE, ELEVATION, NOMINAL_DISTANCE
from graphics.mesh import Template
from graphics.sheet import Row, Style, png_of, sheet_of
from train.data.albums import PHOTOGRAPHS, Albums
from train.data.held_out import ObjectSource
from train.evaluation.fused_benchmark import MeasuredFused, Mesh
from train.evaluation.metrics import INTERVAL, METRICS, Metric, bootstrap, estimates
from train.evaluation.predictors import BundlePredictor
from train.evaluation.renders import as_pixels, on_grey, render_views
from train.evaluation.report import Report, ReportRow

SHOWN = 3
"""Objects on the sheet."""
SIDES = 8
SIDE_ELEVATION_DEGREES = 15.0
STYLE = Style(cell=96, gap=2, group_gap=10, margin=12)
FUSED_METRICS: dict[str, Metric] = {
    **{name: METRICS[name] for name in ("iou2d_novel30", "psnr_novel", "iou3d_canonical")},
    "flipped": Metric(
        "share of the row's photographs whose azimuth is more than 90 degrees off, as settled "
        "together; lower is better"
    ),
    "flipped_alone": Metric("the same share where each photograph is read by itself"),
    "left_out": Metric(
        "photographs of an object that were left out of it, all of them its own; lower is better",
        2,
    ),
    "cpu_milliseconds": Metric(
        "CPU time of all that follows the networks, for the object: fusing and painting", 1
    ),
}


def write_fused_report(
    folder: Path,
    measured: Mapping[int, MeasuredFused],
    truth: Albums,
    source: ObjectSource,
    predictor: BundlePredictor,
    about: Mapping[str, Any],
) -> Report:
    """Write the report of every number of photographs."""
    rows, notes = {}, []
    alone = measured[1].scores
    for number, (scores, _) in measured.items():
        name = f"{number} photograph{'s' if number > 1 else ''}"
        values = scores._asdict()
        rows[name] = ReportRow(
            estimates(values, FUSED_METRICS), "the mesh of so many photographs of each object"
        )
        for metric in ("iou2d_novel30", "psnr_novel", "iou3d_canonical"):
            gain = bootstrap(values[metric] - getattr(alone, metric), "mean")
            digits = FUSED_METRICS[metric].digits
            if number > 1:
                notes.append(f"{metric}, {name} above 1, object by object: {gain.text(digits)}")
    report = Report(
        "Several photographs",
        {
            "objects": len(truth.names),
            "novel_views": truth.novel_cameras.shape[1],
            "size": truth.images.shape[2],
            **about,
        },
        rows,
        FUSED_METRICS,
        INTERVAL.format("objects"),
        notes=notes,
        files={"meshes.png": _sheet(measured, truth, source, predictor.template)},
    )
    report.write(folder, "fused")
    return report


def _sheet(
    measured: Mapping[int, MeasuredFused], truth: Albums, source: ObjectSource, template: Template
) -> bytes:
    """The first objects from eight sides: the truth, then the meshes of 1, 2 and 4 photographs."""
    size = truth.images.shape[2]
    cameras = side_cameras()
    rows = []
    for index in range(min(SHOWN, len(truth.names))):
        true = source.views(np.full(SIDES, index), cameras, size)
        pictures = as_pixels(on_grey(true.images / np.float32(255), true.masks > 127))
        rows.append(Row([list(pictures), []], truth.names[index]))
        for number, (_, meshes) in measured.items():
            shown = [truth.images[index, one] for one in PHOTOGRAPHS[number]]
            rendered = _from_sides(meshes[index], cameras, template, size)
            rows.append(Row([list(rendered), shown], f"{number}"))
    titles = [[f"{camera[AZIMUTH]:g}°" for camera in cameras], ["photographs"]]
    return png_of(sheet_of(rows, titles, STYLE))


def side_cameras() -> NDArray[np.float32]:
    """Eight cameras [8, 5] around an object, the first before its front."""
    cameras = np.zeros((SIDES, 5), np.float32)
    cameras[:, AZIMUTH] = np.arange(SIDES) * (360 / SIDES)
    cameras[:, ELEVATION], cameras[:, DISTANCE] = SIDE_ELEVATION_DEGREES, NOMINAL_DISTANCE
    return cameras


def _from_sides(
    mesh: Mesh, cameras: NDArray[np.float32], template: Template, size: int
) -> NDArray[np.uint8]:
    rendered = render_views(mesh.vertices[None], mesh.texture[None], cameras[None], template, size)
    return as_pixels(rendered.images[0])
