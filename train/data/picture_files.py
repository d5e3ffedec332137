"""Which files of a folder are photographs, by their names, and which are left out, and why."""

from collections import Counter
from collections.abc import Iterable, Iterator
from mimetypes import MimeTypes
from pathlib import Path
from typing import NamedTuple

from graphics.image_files import FORMAT_NAMES
from graphics.picture_names import is_mask, is_systems_own
from train.config import CommandError

_TYPES = MimeTypes()  # without what a machine adds to them: all machines take the same files
for _suffix in (".avif", ".heic", ".heif", ".hif", ".jfif", ".dng", ".jp2"):
    _TYPES.add_type("image/x-other", _suffix)  # not known to every Python
NO_PHOTOGRAPHS = ("photos.csv",)
"""Files that belong to a folder of photographs."""


class PhotographsError(CommandError):
    """There is nothing to train on, or to measure."""


class Skipped(NamedTuple):
    """A file that was left out."""

    name: str  # path below the folder
    reason: str  # what is wrong with it


def pictures_below(folder: Path) -> list[Path]:
    """Every file that is named as a picture, in order; also of formats that are not read, so that
    they are named among those left out. What operating systems add, as `._a.jpg`, is passed over.

    Raises:
        PhotographsError: it is no folder.
    """
    return [path for path in _files_below(folder) if _is_named_as_picture(path)]


def photographs_below(folder: Path) -> list[Path]:
    """Every file that is named as a picture and lies in no folder called `masks`, in order.

    Raises:
        PhotographsError: it is no folder.
    """
    return [path for path in pictures_below(folder) if not is_mask(name_in(folder, path))]


def name_in(folder: Path, path: Path) -> str:
    """The path of a file of a folder, from there on, with `/`."""
    return path.relative_to(folder).as_posix()


def others_below(folder: Path, but: Iterable[Path] = ()) -> list[Skipped]:
    """Every file that is not named as a picture, in order, except in folders called `masks` and
    below those of `but`.

    Raises:
        PhotographsError: it is no folder.
    """
    places = tuple(but)
    return [
        Skipped(
            name_in(folder, path).encode(errors="backslashreplace").decode(),
            "it is not named as a picture: end its name in .jpg, .png, .heic or the like, or take "
            "it out of the folder",
        )
        for path in _files_below(folder)
        if not _is_named_as_picture(path)
        and not path.name.startswith(".")
        and path.name not in NO_PHOTOGRAPHS
        and not is_mask(name_in(folder, path))
        and not any(path.is_relative_to(place) for place in places)
    ]


def counted(skipped: Iterable[Skipped], total: int) -> Iterator[str]:
    """How many of `total` files are left out, by reason, the most frequent first; lines of a log.

    Nothing where none is.
    """
    reasons = Counter(file.reason for file in skipped)
    if reasons:
        yield f"{reasons.total()} of {total} files are left out:"
    for reason, count in reasons.most_common():
        yield f"{count:>7d} x {reason}"


def no_picture(folder: Path) -> PhotographsError:
    """The error for a folder without photographs."""
    return PhotographsError(
        f"{folder} holds no picture outside folders called masks: give {FORMAT_NAMES} files"
    )


def _files_below(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise PhotographsError(f"{folder} is not a folder; give a folder of {FORMAT_NAMES} files")
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if not is_systems_own(name_in(folder, path)))


def _is_named_as_picture(path: Path) -> bool:
    kind, _ = _TYPES.guess_type(path.name, strict=False)
    return kind is not None and kind.startswith("image/")
