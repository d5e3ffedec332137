"""Folders of photographs that a table, `photos.csv`, labels with their cameras.

It has a row for each photograph with `file`, `azimuth_degrees` (0 the front, 90 where the front
faces the picture's left edge) and, if known, `elevation_degrees`. Masks of the same names lie in
folders called `masks`, beside the photographs or above, or in another folder.
"""

import csv
import glob
from pathlib import Path
from typing import NamedTuple

import numpy as np

from graphics.picture_names import MASKS, nearest_masks
from train.data.photo_set import stem_of
from train.data.picture_files import PhotographsError, name_in, pictures_below

TABLE = "photos.csv"
COLUMNS = ("file", "azimuth_degrees")
"""Those that it needs."""


class LabelledPhoto(NamedTuple):
    """A row of the table."""

    path: Path
    azimuth_degrees: float
    elevation_degrees: float
    """nan: not labelled."""
    mask: Path | None


def read_labels(folder: Path, masks: Path | None = None) -> list[LabelledPhoto]:
    """The photographs of the folder's table, row by row.

    `masks`: the folder of their masks; default: the nearest called `masks` that has one.

    Raises:
        PhotographsError: a column, a file or a number is missing or wrong; the message says which.
    """
    rows, nearest = read_rows(folder), {}
    if masks is None:
        masks, names = folder / MASKS, [name_in(folder, path) for path in pictures_below(folder)]
        nearest = nearest_masks(names, stem_of)
    labels = []
    for number, row in enumerate(rows):
        label = _label(folder, masks, row, number)
        if beside := nearest.get(stem_of(row["file"])):
            label = label._replace(mask=folder / beside[0])
        labels.append(label)
    return labels


def read_rows(folder: Path) -> list[dict[str, str]]:
    """The cells of each row of the folder's table by their columns, whatever these are.

    Raises:
        PhotographsError: there is no table, no row, or not the columns that a label needs.
    """
    path = folder / TABLE
    if not path.is_file():
        raise PhotographsError(
            f"{folder} has no {TABLE}: python -m train.annotate helps to write it"
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as table:  # spreadsheets add the mark
            rows = list(csv.DictReader(table))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PhotographsError(f"{path} cannot be read ({error}): save it as CSV, UTF-8") from error
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise PhotographsError(f"{path} needs a head with {' and '.join(COLUMNS)}, and rows")
    return rows


def mask_named(masks: Path, photo: Path) -> Path | None:
    """The file of a folder that has a photograph's name, whatever its type; None: there is none."""
    # A name may hold what a pattern gives a meaning to, and `car.*` is `car.old.png`, too.
    found = sorted(masks.glob(f"{glob.escape(photo.stem)}.*"))
    return next((path for path in found if path.stem == photo.stem and path.is_file()), None)


def _label(folder: Path, masks: Path, row: dict[str, str], number: int) -> LabelledPhoto:
    # A row of too few cells has None in their place.
    name, where = row["file"] or "", f"{TABLE}, row {number + 1}"
    path = folder / name
    if not path.is_file():
        raise PhotographsError(f"{where}: there is no file {name!r} in {folder}")
    try:
        azimuth = float(row["azimuth_degrees"] or "")
        elevation = float(row.get("elevation_degrees") or "nan")
        if not np.isfinite(azimuth):
            raise ValueError(f"azimuth_degrees is {azimuth}")
    except ValueError as error:
        raise PhotographsError(f"{where}: {error}; angles are numbers of degrees") from error
    return LabelledPhoto(path, azimuth, elevation, mask_named(masks, path))
