"""Real photographs, read by a bundle and then fitted by test-time steps, one after another.

Every photograph's meshes, a report and a contact sheet are written; see `train.refine`.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.formats import GlbWriter, find_seams
from graphics.mesh import Template
from graphics.sheet import Row, png_of, sheet_of
from train.data.photo_set import PhotoSet, listed, read_photos
from train.data.picture_files import PhotographsError, Skipped, counted
from train.evaluation.benchmark import Predicted
from train.evaluation.contact_sheet import STYLE
from train.evaluation.metrics import INTERVAL, Metric, estimates
from train.evaluation.photo_benchmark import camera_entry, turned_cameras
from train.evaluation.predictors import BundlePredictor
from train.evaluation.refinement import refine
from train.evaluation.renders import as_pixels, render_on_grey
from train.evaluation.report import Report, ReportRow
from train.metrics.mask_iou import mask_iou, solid
from train.running.workspace import write_atomically

OTHER_VIEW_DEGREES = 120.0
"""Azimuth away from the predicted camera, where steps show what they did to the unseen side."""
TITLES = (
    ["photograph"], ["before", "after"], [f"before, {OTHER_VIEW_DEGREES:.0f}°", "after"],
)  # fmt: skip
METRICS = {
    "iou2d_rerender": Metric("silhouette at the predicted camera against the mask it is fitted to")
}


class Rendered(NamedTuple):
    """One prediction, before or after the steps, and how it looks."""

    read: Predicted
    """The prediction for one photograph: B is 1."""
    iou: float
    """Between the mask and the silhouette at the prediction's own camera, 0 to 1."""
    rerender: NDArray[np.uint8]
    """[R, R, 3] at the prediction's own camera, on grey."""
    other_view: NDArray[np.uint8]
    """[R, R, 3] from another azimuth; the same camera before and after."""


class RefinedPhoto(NamedTuple):
    """A photograph's prediction before and after the steps."""

    image: NDArray[np.uint8]
    """[R, R, 3]"""
    before: Rendered
    after: Rendered
    seconds: float
    """Duration of the steps, without reading and rendering; with compiling the renderer where it
    has never run before."""


class Named(NamedTuple):
    """A refined photograph and where its meshes are."""

    name: str
    folder: str
    """Below the report's."""
    refined: RefinedPhoto

    def summary(self) -> str:
        """The photograph in a line."""
        _, before, after, seconds = self.refined
        return f"{self.name}  re-render IoU {before.iou:.3f} -> {after.iou:.3f}  {seconds:.1f} s"


class NoObject(ValueError):
    """The mask of a photograph is empty: there is nothing to be fitted to."""


def refine_photos(
    paths: Sequence[Path], masks: Path | None, bundle: Path, steps: int, out: Path
) -> None:
    """Refine every photograph, print a line for each, write the report.

    Raises:
        CommandError, OSError: the bundle or the masks cannot be used, or no photograph.
    """
    predictor = BundlePredictor(bundle)
    out.mkdir(parents=True, exist_ok=True)
    listing, without_mask = listed(paths, masks)
    photos = read_photos(listing, predictor.resolution, without_mask)
    skipped = list(photos.skipped)
    done = _refine_each(predictor, photos, steps, out, skipped)
    for name, reason in skipped:
        print(f"train.refine: {name} is left out: {reason}", file=sys.stderr)
    for line in counted(skipped, len(done) + len(skipped)):
        print(f"train.refine: {line}", file=sys.stderr)
    if not done:
        raise PhotographsError(f"none of {len(skipped)} photographs can be used")
    about = {
        "bundle": bundle.name,
        "size": predictor.resolution,
        "steps": steps,
        "photographs": len(done),
        "with_mask": int(photos.masked.sum()),
        "skipped_count": len(skipped),
    }
    _report(done, skipped, about).write(out, "refinement")


def _refine_each(
    predictor: BundlePredictor, photos: PhotoSet, steps: int, out: Path, skipped: list[Skipped]
) -> list[Named]:
    """Refine, and write the meshes; photographs that show no object are added to `skipped`."""
    to_glb = GlbWriter(find_seams(predictor.template.faces, predictor.template.face_uvs))
    folders = folder_names([Path(name).stem for name in photos.names])
    done = []
    for number, (name, folder) in enumerate(zip(photos.names, folders, strict=True)):
        mask = photos.masks[number] if photos.masked[number] else None
        try:
            refined = refine_photo(predictor, photos.images[number], mask, steps)
        except NoObject as error:
            skipped.append(Skipped(name, str(error)))
            continue
        for when, (read, *_) in (("before", refined.before), ("after", refined.after)):
            glb = to_glb(read.vertices[0], as_pixels(read.textures[0]))
            write_atomically(out / folder / f"{when}.glb", glb)
        done.append(Named(name, folder, refined))
        print(done[-1].summary(), flush=True)
    return done


def folder_names(stems: Sequence[str]) -> list[str]:
    """One folder for each photograph, by its name; those of one name are numbered from 2."""
    taken: set[str] = set()
    names = []
    for stem in stems:
        name, number = stem, 1
        while name.casefold() in taken:  # some file systems do not distinguish Car and car
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def refine_photo(
    predictor: BundlePredictor,
    image: NDArray[np.uint8],  # [R, R, 3]
    mask: NDArray[np.float32] | None,  # [R, R] in 0..1; None: the bundle's segmenter finds it
    steps: int,
) -> RefinedPhoto:
    """Let the bundle read a photograph and move what it says towards it.

    Raises:
        NoObject: no pixel belongs to the object.
    """
    images = image[None]
    masks = predictor.segment(images) if mask is None else mask[None]
    if not solid(masks).any():
        raise NoObject("no object is found in it: give its mask in --masks")
    read = predictor.reconstruct(images, masks)
    began = time.perf_counter()
    fitted = refine(read, images, predictor.template, steps)
    seconds = time.perf_counter() - began
    (other,) = turned_cameras(read.cameras, (OTHER_VIEW_DEGREES,))
    before, after = (
        _rendered(one, other, predictor.template, len(image)) for one in (read, fitted)
    )
    return RefinedPhoto(image, before, after, seconds)


def _rendered(
    read: Predicted, other: NDArray[np.float32], template: Template, size: int
) -> Rendered:
    own, turned = (
        render_on_grey(read.vertices, read.textures, cameras, template, size)
        for cameras in (read.cameras, other)
    )
    iou = float(mask_iou(solid(own.masks), solid(read.masks))[0])
    return Rendered(read, iou, as_pixels(own.images)[0], as_pixels(turned.images)[0])


def _report(photos: Sequence[Named], skipped: Sequence[Skipped], about: dict[str, Any]) -> Report:
    """The report and the contact sheet of at least one photograph."""
    lines = []
    for photo in photos:
        image, before, after, _ = photo.refined
        pictures = (
            [image], [before.rerender, after.rerender], [before.other_view, after.other_view],
        )  # fmt: skip
        lines.append(Row(pictures, captions=[photo.summary()]))
    ious = np.array([[photo.refined.before.iou, photo.refined.after.iou] for photo in photos]).T
    before, after = (estimates({"iou2d_rerender": each}, METRICS) for each in ious)
    return Report(
        "Refinement",
        about,
        {"before": ReportRow(before, "as predicted"), "after": ReportRow(after, "after the steps")},
        METRICS,
        INTERVAL.format("photographs"),
        notes=[photo.summary() for photo in photos],
        skipped=skipped,
        files={"contact_sheet.png": png_of(sheet_of(lines, TITLES, STYLE))},
        details={"photographs": [_entry(photo) for photo in photos]},
    )


def _entry(photo: Named) -> dict[str, Any]:
    _, before, after, seconds = photo.refined
    return {
        "name": photo.name,
        "iou2d_rerender_before": round(before.iou, 5),
        "iou2d_rerender_after": round(after.iou, 5),
        "seconds": round(seconds, 3),
        "camera_before": camera_entry(before.read.cameras[0]),
        "camera_after": camera_entry(after.read.cameras[0]),
        "mesh_before": f"{photo.folder}/before.glb",
        "mesh_after": f"{photo.folder}/after.glb",
    }
