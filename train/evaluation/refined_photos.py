"""Refines the photographs that `train.refine` is given, one after another, and reports."""

import sys
from collections.abc import Sequence
from pathlib import Path

from train.data.photo_set import PhotographsError, PhotoSet, Skipped, listed, read_photos
from train.evaluation.bundle_predictor import BundlePredictor
from train.evaluation.refined_photo import NoObject, refine_photo
from train.evaluation.refinement_report import (
    Named,
    folder_names,
    summary,
    write_meshes,
    write_refinement_report,
)


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
    write_refinement_report(out, done, skipped, about)


def _refine_each(
    predictor: BundlePredictor,
    photos: PhotoSet,
    steps: int,
    out: Path,
    skipped: list[Skipped],  # those that show no object are added
) -> list[Named]:
    folders = folder_names([Path(name).stem for name in photos.names])
    done = []
    for number, (name, folder) in enumerate(zip(photos.names, folders, strict=True)):
        mask = photos.masks[number] if photos.masked[number] else None
        try:
            refined = refine_photo(predictor, photos.images[number], mask, steps)
        except NoObject as error:
            skipped.append(Skipped(name, str(error)))
            continue
        write_meshes(out / folder, refined, predictor.template)
        done.append(Named(name, folder, refined))
        print(summary(done[-1]), flush=True)
    return done
