"""What test-time steps made of photographs, as files: meshes, figures and a contact sheet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from graphics.camera import wrap_degrees
from graphics.glb import GlbWriter
from graphics.mesh import Template
from graphics.seams import find_seams
from train.data.photographs import Skipped
from train.evaluation.refined_photo import OTHER_VIEW_DEGREES, Drawn, RefinedPhoto
from train.evaluation.renders import as_pixels
from train.pictures.captioned_sheet import captioned_sheet, line_of
from train.running.workspace import write_atomically, write_json

COLUMNS = (
    "photograph | before | after | "
    f"turned by {OTHER_VIEW_DEGREES:.0f} degrees: before | after"
)  # fmt: skip


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
    """Write `refinement.json` and `contact_sheet.png` of at least one photograph."""
    write_json(folder / "refinement.json", {
        "about": dict(about),
        "photographs": [_entry(photo) for photo in photos],
        "skipped": [item._asdict() for item in skipped],
    })  # fmt: skip
    lines = [
        line_of(
            [photo.refined.image],
            [photo.refined.before.rerender, photo.refined.after.rerender],
            [photo.refined.before.other_view, photo.refined.after.other_view],
        )
        for photo in photos
    ]
    sheet = captioned_sheet([(0, COLUMNS)], [summary(photo) for photo in photos], lines)
    write_atomically(folder / "contact_sheet.png", sheet)


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
        "camera_before": _camera(refined.before),
        "camera_after": _camera(refined.after),
        "mesh_before": f"{photo.folder}/before.glb",
        "mesh_after": f"{photo.folder}/after.glb",
    }


def _camera(drawn: Drawn) -> dict[str, Any]:
    azimuth, elevation, distance, x, y = drawn.read.cameras[0].astype(float).tolist()
    return {
        "azimuth_degrees": round(float(wrap_degrees(azimuth)), 2),
        "elevation_degrees": round(elevation, 2),
        "distance": round(distance, 3),
        "offset": [round(x, 4), round(y, 4)],
    }
