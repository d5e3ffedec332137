"""Label the azimuths of real photographs by hand, on a page that begins with predictions.

    python -m train.annotate snapshots/
    python -m train.annotate birds/ --bundle runs/birds/export/bundle --out build/birds.html

The bundle reads the photographs of the folder as the service reads them. The page shows one after
the other, the least confident first; Enter accepts a prediction. It gives out `photos.csv`, which
belongs into the folder: `train.evaluate photos` measures with it, and the page begins with it when
it is made again.

Exit status: 0 done, 2 an argument, the bundle, the folder's photos.csv or all of its photographs
cannot be used.
"""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from train.config import require
from train.config.command_line import finish, outcome, parse
from train.config.section import BundleFolder, InputFolder, OnDisk, Section
from train.evaluation.options import SHIPPED

PAGE = "photos.html"


@dataclass(frozen=True, kw_only=True)
class Command(Section):
    """The command line."""

    folder: Positional[InputFolder]
    """JPEG, PNG, WebP, GIF, HEIC and AVIF files of one category; a photos.csv in it gives the
    answers to begin with."""
    bundle: BundleFolder = SHIPPED
    """The bundle's folder."""
    out: Annotated[Path | None, arg(metavar="FILE")] = None
    """The page to write; default: photos.html in the folder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.page.suffix == ".html", f"--out {self.page}: must end in .html")
        reason = OnDisk("output file").refusal(self.page)
        require(reason is None, f"{self.page} {reason} (--out)")

    @property
    def page(self) -> Path:
        """The page to write."""
        return self.out or self.folder / PAGE


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return finish("train.annotate", *outcome(partial(_command, arguments), OSError))


def _command(arguments: Sequence[str] | None) -> None:
    given = parse(Command, arguments, "train.annotate", __doc__)
    # It brings torch and numba, which a refused argument does not wait for.
    annotation = importlib.import_module("train.annotation.photographs")
    about = annotation.annotate_photographs(given.folder, given.bundle, given.page)
    measure = f"python -m train.evaluate photos {given.folder} --bundle {given.bundle}"
    print(f"page: {given.page} ({about}); open it, put its photos.csv there; next: {measure}")


if __name__ == "__main__":
    sys.exit(main())
