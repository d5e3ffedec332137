"""What `photos.csv` of a folder already says: the answers that its page begins with."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from train.data.labelled_photos import COLUMNS, TABLE, read_labels, read_rows
from train.data.picture_files import PhotographsError


class Answer(NamedTuple):
    """A photograph's row."""

    row: int
    """In `PhotoAnswers.rows`."""
    azimuth_degrees: float
    """0..360."""


class PhotoAnswers(NamedTuple):
    """The table, whose further columns and rows are to be kept."""

    columns: list[str]
    rows: list[list[str]]
    """The cells of each row, in the order of the columns."""
    by_name: Mapping[str, Answer]
    """By the path below the folder."""


NOTHING = PhotoAnswers([*COLUMNS], [], {})
"""A folder without a table."""


def read_answers(folder: Path) -> PhotoAnswers:
    """The folder's table; `NOTHING` where it has none.

    Raises:
        PhotographsError: the table cannot be used; the message names the row.
    """
    if not (folder / TABLE).is_file():
        return NOTHING
    rows, labels = read_rows(folder), read_labels(folder)
    answers: dict[str, Answer] = {}
    for number, (row, label) in enumerate(zip(rows, labels, strict=True)):
        where, name = f"{folder / TABLE}, row {number + 1}", PurePosixPath(row["file"]).as_posix()
        if None in row:
            raise PhotographsError(
                f"{where} has more cells than the head: put quotes around a cell with commas"
            )
        if name in answers:
            raise PhotographsError(f"{where}: {name} stands there twice; delete one row")
        answers[name] = Answer(number, label.azimuth_degrees % 360)
    columns = list(rows[0])
    return PhotoAnswers(columns, [[row[name] or "" for name in columns] for row in rows], answers)
