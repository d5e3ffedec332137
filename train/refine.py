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

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le
from tyro.conf import Positional, arg

from train.config import require
from train.config.command_line import finish, outcome, parse
from train.config.section import AnyInputFolder, BundleFolder, OutputFolder, Section
from train.evaluation.options import SHIPPED


@dataclass(frozen=True, kw_only=True)
class Command(Section):
    """The command line."""

    photos: Annotated[
        Positional[tuple[Path, ...]], arg(metavar="PHOTO ...", help_behavior_hint="(one or more)")
    ]
    """JPEG, PNG, WebP, GIF, HEIC or AVIF files."""
    out: OutputFolder
    """The folder to write to."""
    masks: AnyInputFolder = None
    """Masks of the photographs, in files of the same names."""
    bundle: BundleFolder = SHIPPED
    """The bundle's folder."""
    steps: Annotated[int, Ge(1), Le(10_000)] = 40
    """Test-time steps of each photograph."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.photos), "name one photograph or more")
        exist = any(photo.exists() for photo in self.photos)
        require(exist, f"no photograph is there: {', '.join(map(str, self.photos))}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return finish("train.refine", *outcome(partial(_command, arguments), OSError))


def _command(arguments: Sequence[str] | None) -> None:
    given = parse(Command, arguments, "train.refine", __doc__)
    given.out.mkdir(parents=True, exist_ok=True)  # what cannot be written is said at once
    # It brings torch and numba, which a refused argument does not wait for.
    refined = importlib.import_module("train.evaluation.refined_photos")
    refined.refine_photos(given.photos, given.masks, given.bundle, given.steps, given.out)
    print(f"report: {given.out / 'refinement.html'}; open it in a browser")


if __name__ == "__main__":
    sys.exit(main())
