"""Fit a bundle's predictions to single photographs, through the renderer.

    python -m train.refine photo.jpg --out refined
    python -m train.refine photos/*.jpg --masks cutouts/ --steps 60 --out refined

The bundle reads each photograph; test-time steps (`train.evaluation.refinement`) then move shape,
texture and camera towards the photograph and its mask: the file of the same name in `--masks`, its
alpha channel, or else what the bundle's segmenter finds. Writes into `--out`

    NAME/before.glb, NAME/after.glb   the textured mesh as predicted, and after the steps
    refinement.json                   re-render IoU and camera before and after, seconds
    contact_sheet.png                 photograph | before | after | another view before | after

A photograph that cannot be used is named, with the reason, and harms no other. Exit status: 0 done,
2 an argument or the bundle cannot be used, or none of the photographs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from train.data.photo_set import PhotoSet, listed, read_photos
from train.data.photographs import PhotographsError, Skipped
from train.evaluate import SHIPPED, EvaluationError
from train.evaluation.bundle_predictor import BundlePredictor, BundleUnusable
from train.evaluation.refined_photo import NoObject, refine_photo
from train.evaluation.refinement_report import (
    Named,
    folder_names,
    summary,
    write_meshes,
    write_refinement_report,
)

UNUSABLE = 2
"""Exit status; see the module's docstring."""
STEPS = 40
MOST_STEPS = 10_000


def refine_photos(options: argparse.Namespace) -> None:
    """Refine every photograph, print a line for each, write the report.

    Raises:
        BundleUnusable, EvaluationError, OSError, PhotographsError: see the module's docstring.
    """
    if not 1 <= options.steps <= MOST_STEPS:
        raise EvaluationError(f"--steps {options.steps}: 1 to {MOST_STEPS}")
    predictor = BundlePredictor(options.bundle)
    options.out.mkdir(parents=True, exist_ok=True)
    listing, without_mask = listed(options.photos, options.masks)
    photos = read_photos(listing, predictor.resolution, without_mask)
    skipped = list(photos.skipped)
    done = _refine_each(predictor, photos, options, skipped)
    for name, reason in skipped:
        print(f"train.refine: {name} is left out: {reason}", file=sys.stderr)
    if not done:
        raise PhotographsError(f"none of {len(skipped)} photographs can be used")
    about = {
        "bundle": options.bundle.name,
        "size": predictor.resolution,
        "steps": options.steps,
        "photographs": len(done),
        "with_mask": int(photos.masked.sum()),
        "skipped_count": len(skipped),
    }
    write_refinement_report(options.out, done, skipped, about)


def _refine_each(
    predictor: BundlePredictor,
    photos: PhotoSet,
    options: argparse.Namespace,
    skipped: list[Skipped],  # those that show no object are added
) -> list[Named]:
    folders = folder_names([Path(name).stem for name in photos.names])
    done = []
    for number, (name, folder) in enumerate(zip(photos.names, folders, strict=True)):
        mask = photos.masks[number] if photos.masked[number] else None
        try:
            refined = refine_photo(predictor, photos.images[number], mask, options.steps)
        except NoObject as error:
            skipped.append(Skipped(name, str(error)))
            continue
        write_meshes(options.out / folder, refined, predictor.template)
        done.append(Named(name, folder, refined))
        print(summary(done[-1]), flush=True)
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m train.refine", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="JPEG or PNG")
    parser.add_argument("--masks", type=Path, metavar="FOLDER", help="of the photographs, by name")
    parser.add_argument("--bundle", type=Path, default=SHIPPED, help="default: the shipped one")
    parser.add_argument("--steps", type=int, default=STEPS, help="default: %(default)s")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    try:
        refine_photos(parser.parse_args(arguments))
    except (BundleUnusable, EvaluationError, OSError, PhotographsError) as error:
        print(f"train.refine: {error}", file=sys.stderr)
        return UNUSABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
