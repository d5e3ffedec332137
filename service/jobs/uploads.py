"""The uploads of a job, one behind the other in a few files.

A file of its own for each would take the disk longer than the network takes to bring them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from service.errors import ItemError
from service.jobs import files
from service.schemas.photographs import Upload

PART_BYTES = 64 << 20
"""A file is closed when it has so many; it is deleted when all in it is answered."""

INSERT = (
    "INSERT INTO uploads (job, number, part, start, image_bytes, mask_bytes, box, code, message) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""Of a job, an index in it, and the fields of a `Place`."""


class Place(NamedTuple):
    """Where an upload stands."""

    part: int
    """Number of the file, from 0."""
    start: int
    """Its first byte there: that of the image, which the mask follows."""
    image_bytes: int
    mask_bytes: int | None
    """None where no mask came with the image."""
    box: str | None
    """JSON: where the object is, if the client said so."""
    code: str | None = None
    """In place of all that, why the upload could not be read."""
    message: str | None = None


def path_of(folder: Path, part: int) -> Path:
    """A file of uploads."""
    return folder / f"uploads.{part}"


def read(folder: Path, place: Place, name: str) -> Upload:
    """An upload with its contents; reading it raises `ItemError` where it could not be read.

    Raises `FileNotFoundError` where it is dropped.
    """
    if place.code is not None:
        return Upload(name, _refusing(ItemError(place.code, place.message or "")))
    with open(path_of(folder, place.part), "rb") as file:
        file.seek(place.start)
        image = file.read(place.image_bytes)
        mask = None if place.mask_bytes is None else file.read(place.mask_bytes)
    box = None if place.box is None else tuple(json.loads(place.box))
    return Upload(name, lambda: image, None if mask is None else lambda: mask, box)


class Packing:
    """Writes the uploads of a job; on the disk they are once it is closed."""

    def __init__(self, folder: Path, take: Callable[[int], None]) -> None:
        """`take`: is told of bytes before they are written, and may raise."""
        self._folder = folder
        self._take = take
        self._part = 0
        self._file = self._open()

    def add(self, item: Upload) -> Place:
        """Write one; where it cannot be read the reason is kept in its place."""
        if self._file.tell() >= PART_BYTES:
            self._end_part()
            self._part += 1
            self._file = self._open()
        start = self._file.tell()
        try:
            image = item.read()
            mask = None if item.read_mask is None else item.read_mask()
        except ItemError as error:
            return Place(self._part, start, 0, None, None, error.code, error.message)
        self._write(image)
        if mask is not None:
            self._write(mask)
        box = None if item.box is None else json.dumps(item.box)
        return Place(self._part, start, len(image), None if mask is None else len(mask), box)

    def close(self) -> None:
        """Wait for the disk."""
        self._end_part()
        files.sync_folder(self._folder)

    def abandon(self) -> None:
        """Close without waiting for the disk; what is written is of no use."""
        try:
            self._file.close()
        except OSError:  # what it still held did not fit either
            pass

    def _write(self, content: bytes) -> None:
        self._take(len(content))
        self._file.write(content)

    def _open(self) -> IO[bytes]:
        return open(path_of(self._folder, self._part), "wb")

    def _end_part(self) -> None:
        files.sync(self._file)
        self._file.close()


def _refusing(error: ItemError) -> Callable[[], bytes]:
    def refuse() -> bytes:
        raise error

    return refuse
