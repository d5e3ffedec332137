"""What test-time steps made of photographs, as files: meshes, a report and a contact sheet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from graphics.formats import GlbWriter, find_seams
from graphics.mesh import Template
from graphics.sheet import Row, png_of, sheet_of
from train.data.photo_set import Skipped
from train.evaluation.bootstrap import INTERVAL, estimates
from train.evaluation.contact_sheet import STYLE
from train.evaluation.metrics import Metric
from train.evaluation.photo_report import camera_entry
from train.evaluation.refined_photo import OTHER_VIEW_DEGREES, RefinedPhoto
from train.evaluation.renders import as_pixels
from train.evaluation.report import Report, ReportRow
from train.running.workspace import write_atomically

TITLES = (
    ["photograph"], ["before", "after"], [f"before, {OTHER_VIEW_DEGREES:.0f}°", "after"],
)  # fmt: skip
METRICS = {
    "iou2d_rerender": Metric("silhouette at the predicted camera against the mask it is fitted to")
}


class Named(NamedTuple):
    """A refined photograph and where its meshes are."""

    name: str
    folder: str
    """Below the report's."""
    refined: RefinedPhoto


def folder_names(stems: Sequence[str]) -> list[str]:
    """One folder for each photograph, by its name; those of one name are numbered from 2."""
    taken: set[str] = set()
    names = []
    for stem in stems:
        name, number = stem, 1
        while name.casefold() in taken:  # some file systems do not tell Car from car
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def write_meshes(folder: Path, refined: RefinedPhoto, template: Template) -> None:
    """Write `before.glb` and `after.glb`."""
    to_glb = GlbWriter(find_seams(template.faces, template.face_uvs))
    for name, drawn in (("before", refined.before), ("after", refined.after)):
        glb = to_glb(drawn.read.vertices[0], as_pixels(drawn.read.textures[0]))
        write_atomically(folder / f"{name}.glb", glb)


def write_refinement_report(
    folder: Path, photos: Sequence[Named], skipped: Sequence[Skipped], about: Mapping[str, Any]
) -> None:
    """Write `refinement` as .json, .md and .html, and `contact_sheet.png`, of at least one
    photograph."""
    lines = []
    for photo in photos:
        image, before, after, _ = photo.refined
        pictures = (
            [image], [before.rerender, after.rerender], [before.other_view, after.other_view],
        )  # fmt: skip
        lines.append(Row(pictures, captions=[summary(photo)]))
    before = np.array([photo.refined.before.iou for photo in photos])
    after = np.array([photo.refined.after.iou for photo in photos])
    rows = {
        "before": ReportRow(estimates({"iou2d_rerender": before}, METRICS), "as predicted"),
        "after": ReportRow(estimates({"iou2d_rerender": after}, METRICS), "after the steps"),
    }
    Report(
        "Refinement",
        about,
        rows,
        METRICS,
        INTERVAL.format("photographs"),
        notes=[summary(photo) for photo in photos],
        skipped=skipped,
        files={"contact_sheet.png": png_of(sheet_of(lines, TITLES, STYLE))},
        details={"photographs": [_entry(photo) for photo in photos]},
    ).write(folder, "refinement")


def summary(photo: Named) -> str:
    """One photograph in a line."""
    refined = photo.refined
    return (
        f"{photo.name}  re-render IoU {refined.before.iou:.3f} -> {refined.after.iou:.3f}  "
        f"{refined.seconds:.1f} s"
    )


def _entry(photo: Named) -> dict[str, Any]:
    refined = photo.refined
    return {
        "name": photo.name,
        "iou2d_rerender_before": round(refined.before.iou, 5),
        "iou2d_rerender_after": round(refined.after.iou, 5),
        "seconds": round(refined.seconds, 3),
        "camera_before": camera_entry(refined.before.read.cameras[0]),
        "camera_after": camera_entry(refined.after.read.cameras[0]),
        "mesh_before": f"{photo.folder}/before.glb",
        "mesh_after": f"{photo.folder}/after.glb",
    }
