"""`viewpoints.csv`: the azimuth bins of viewpoint codes, from a person or the classifier.

One row per code: `code` (the row's number on the contact sheet), `azimuth_bin_degrees` (0, 30, …
330; empty until it is annotated), `keep` (1 or 0), and the measures of `Measures` (empty where
nothing was measured). A person fills it in on the page of `page.py` or by hand.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from train.config import CommandError
from train.running.workspace import StageFolder, WorkspaceError, write_atomically

BIN_DEGREES = 30
"""12 bins (paper 3.1)."""
BINS = tuple(range(0, 360, BIN_DEGREES))
FIRST_ELEVATION_DEGREES = 10.0
"""Elevation of every viewpoint until its camera is optimised: a typical photograph's."""
UNKNOWN = -1
"""Bin of a code that is not annotated."""
MEASURES = ("azimuth_std_degrees", "flip_rate", "object_deviation")
COLUMNS = ("code", "azimuth_bin_degrees", "keep", *MEASURES)
PAGE = "viewpoints.html"
"""The page beside the table; see `page.py`."""


class AnnotationNeeded(CommandError):
    """A person has to fill in viewpoints.csv before the cycle can go on."""

    status = 3

    def __init__(self, path: Path, empty: int) -> None:
        super().__init__(
            f"{path}: {empty} codes have no azimuth_bin_degrees yet. Open {path.with_name(PAGE)} "
            "in a browser, click the azimuth of each row, download the table, put it in the place "
            f"of {path.name}, and run the same command again. By hand instead: look at "
            f"contact_sheet.png beside it, write one of {', '.join(map(str, BINS))} into each row "
            "(0: the front is seen, 90: the object's left side, 180: the back), and set keep to 0 "
            "where the row is not one viewpoint. Rows that the page has filled in by itself are "
            "suggestions: correct those that are wrong"
        )
        self.path = path


class AnnotationError(WorkspaceError):
    """viewpoints.csv has an invalid value; the message names row and value."""


class Measures(NamedTuple):
    """The measures of each code; see `train/metrics`. NaN: not measured."""

    stds: np.ndarray
    """f32 [K] degrees: circular standard deviation of the azimuth across contents."""
    flip_rates: np.ndarray
    """f32 [K] in 0..1."""
    deviations: np.ndarray
    """f32 [K]: how far the code moves objects from what their content code makes of them."""


class Annotation(NamedTuple):
    """The table's rows."""

    bins: np.ndarray
    """int32 [K] degrees; UNKNOWN where the row is empty."""
    keep: np.ndarray
    """bool [K]."""


class Viewpoints(NamedTuple):
    """The chosen and annotated view codes."""

    codes: np.ndarray
    """f32 [K, code]: view codes w of the unconditional generator."""
    azimuth_bins: np.ndarray
    """int32 [K] degrees: 0, 30, ... 330."""


def nearest_bins(
    azimuths: np.ndarray,  # [K] degrees
) -> np.ndarray:  # int32 [K] degrees: 0, 30, ... 330
    """The 30-degree bin whose centre is nearest."""
    return (np.round(azimuths / BIN_DEGREES).astype(np.int32) * BIN_DEGREES) % 360


def table_rows(
    measures: Measures,
    annotation: Annotation | None,  # None: empty, for a person to fill in
) -> list[list[str]]:
    """The cells of each code's row, in the order of `COLUMNS`."""
    if annotation is None:
        count = len(measures.stds)
        annotation = Annotation(np.full(count, UNKNOWN), np.ones(count, bool))
    rows = []
    for code, (bin, keep, *values) in enumerate(zip(*annotation, *measures, strict=True)):
        measured = ["" if np.isnan(value) else f"{value:.4g}" for value in values]
        rows.append([str(code), "" if bin == UNKNOWN else str(bin), str(int(keep)), *measured])
    return rows


def write_table(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write the rows of `table_rows`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    write_atomically(path, text.getvalue().encode())


def read_table(path: Path, count: int) -> Annotation:
    """Read the table of `count` codes.

    Raises:
        AnnotationNeeded: rows that are kept have no bin yet.
        AnnotationError: an invalid value or row.
    """
    bins, keep = np.full(count, UNKNOWN, np.int32), np.zeros(count, bool)
    seen: set[int] = set()
    for line, row in enumerate(_read_rows(path), start=2):
        where = f"{path}, line {line}"
        code = _number(row["code"], range(count), f"{where}: code")
        if code in seen:
            raise AnnotationError(f"{where}: code {code} stands there twice; delete one row")
        seen.add(code)
        keep[code] = bool(_number(row["keep"], (0, 1), f"{where} (code {code}): keep"))
        if given := (row["azimuth_bin_degrees"] or "").strip():
            name = f"{where} (code {code}): azimuth_bin_degrees"
            bins[code] = _number(given, BINS, name)
    if empty := int((keep & (bins < 0)).sum()):
        raise AnnotationNeeded(path, empty)
    return Annotation(bins, keep)


def table_reaches(path: Path, code: int) -> bool:
    """Whether the table has a row of this code."""
    return any((row["code"] or "").strip() == str(code) for row in _read_rows(path))


def _read_rows(path: Path) -> list[dict[str, str | None]]:
    # A spreadsheet may have added a byte-order mark and its own delimiter.
    text = path.read_text(encoding="utf-8-sig")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    missing = [name for name in COLUMNS[:3] if name not in (reader.fieldnames or [])]
    if missing:
        raise AnnotationError(f"{path}: column {missing[0]} is missing; it had {COLUMNS[:3]}")
    return list(reader)


def _number(text: str | None, allowed: range | tuple[int, ...], name: str) -> int:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if value not in allowed:
        bounds = f"0..{allowed[-1]}" if isinstance(allowed, range) else str(allowed)[1:-1]
        raise AnnotationError(f"{name} is {text!r}; it must be one of {bounds}")
    return int(value)


def read_viewpoints(folder: StageFolder) -> Viewpoints:
    """The result of stage viewpoints."""
    with np.load(folder.require("viewpoints.npz")) as arrays:
        return Viewpoints(arrays["codes"], arrays["azimuth_bins"])
