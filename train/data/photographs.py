"""Which files of a folder are photographs, and what is said of those that cannot be used."""

from mimetypes import MimeTypes
from pathlib import Path
from typing import NamedTuple

from train.config import CommandError

PIXEL_LIMIT = 89_478_485
"""Pillow's own; larger files rarely hold what their owner thinks."""
_TYPES = MimeTypes()  # without what a machine adds to them: all machines take the same files


class PhotographsError(CommandError):
    """There is nothing to train on, or to measure."""


class Skipped(NamedTuple):
    """A file that was left out."""

    name: str
    """Path below the folder."""
    reason: str
    """What is wrong with it."""


def pictures_below(folder: Path) -> list[Path]:
    """Every file that is named as a picture, in order; also of formats that are not read, so that
    they are named among those left out.

    Raises:
        PhotographsError: it is no folder.
    """
    if not folder.is_dir():
        raise PhotographsError(
            f"{folder} is not a folder; give a folder of JPEG, PNG, WebP or GIF files"
        )
    return sorted(path for path in folder.rglob("*") if _is_named_as_picture(path))


def _is_named_as_picture(path: Path) -> bool:
    kind, _ = _TYPES.guess_type(path.name, strict=False)
    return kind is not None and kind.startswith("image/")
