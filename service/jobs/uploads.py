"""The uploads of a job, one behind the other in a few files.

A file of its own for each would take the disk longer than the network takes to bring them.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

from service.errors import ItemError
from service.schemas.photographs import Upload
from service.store.files import Files, NewFile

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


def name_of(job: str, part: int) -> str:
    """A file of uploads."""
    return f"{job}/uploads.{part}"


def read(files: Files, job: str, place: Place, name: str) -> Upload:
    """An upload with its contents; reading it raises `ItemError` where it could not be read.

    Raises `FileNotFoundError` where it is dropped.
    """
    if place.code is not None:
        return Upload(name, _refusing(ItemError(place.code, place.message or "")))
    size = place.image_bytes + (place.mask_bytes or 0)
    content = files.read(name_of(job, place.part), place.start, size)
    image, mask = content[: place.image_bytes], content[place.image_bytes :]
    box = None if place.box is None else tuple(json.loads(place.box))
    return Upload(name, lambda: image, None if place.mask_bytes is None else lambda: mask, box)


class Packing:
    """Writes the uploads of a job; on the disk they are once it is closed."""

    def __init__(self, files: Files, job: str, take: Callable[[int], None]) -> None:
        """`take`: is told of bytes before they are written, and may raise."""
        self._files = files
        self._job = job
        self._take = take
        self._part = 0
        self._file = self._open()

    def add(self, item: Upload) -> Place:
        """Write one; where it cannot be read the reason is kept in its place."""
        if self._file.size() >= PART_BYTES:
            self._file.finish()
            self._part += 1
            self._file = self._open()
        start = self._file.size()
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
        self._file.finish()
        self._files.seal(self._job)

    def abandon(self) -> None:
        """Close without waiting for the disk; what is written is of no use."""
        self._file.abandon()

    def _write(self, content: bytes) -> None:
        self._take(len(content))
        self._file.write(content)

    def _open(self) -> NewFile:
        return self._files.create(name_of(self._job, self._part))


def _refusing(error: ItemError) -> Callable[[], bytes]:
    def refuse() -> bytes:
        raise error

    return refuse
