"""What the store asks of the place of its files, whichever it is."""

import abc
from collections.abc import Iterator
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """A file as it is listed."""

    name: str
    """With that of its folder before it."""
    size: int
    """Bytes."""
    modified: float
    """Seconds since 1970, by the clock of the place."""


class NewFile(Protocol):
    """A file that is written piece by piece."""

    def write(self, content: bytes) -> None:
        """Add to its end."""
        ...

    def size(self) -> int:
        """Bytes so far."""
        ...

    def finish(self) -> None:
        """It is there whole, and outlives a power cut, when this returns."""
        ...

    def abandon(self) -> None:
        """It is of no use; does nothing once it is finished. Never raises."""
        ...


class Files(abc.ABC):
    """Files by names like `folder/file`; safe to use from several threads and processes.

    Its methods raise `OSError` where the place is full or fails, and `FileNotFoundError` for what
    is not there.
    """

    is_near: bool
    """Whether it is quicker to write a file than to have another thread do it."""

    @abc.abstractmethod
    def write(self, name: str, content: bytes, *, fresh: bool = False) -> None:
        """All of it or nothing, also where the power goes.

        `fresh`: nobody knows the name before this returns, or wants it after the power went.
        """

    @abc.abstractmethod
    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """A file, or `length` bytes from byte `start` on."""

    @abc.abstractmethod
    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""

    @abc.abstractmethod
    def create(self, name: str) -> NewFile:
        """A file to be written piece by piece."""

    @abc.abstractmethod
    def remove(self, name: str) -> None:
        """Drop a file; nothing happens where it is gone."""

    @abc.abstractmethod
    def make_folder(self, name: str) -> None:
        """A folder for files."""

    @abc.abstractmethod
    def seal(self, name: str) -> None:
        """A folder and what is in it outlive a power cut when this returns."""

    @abc.abstractmethod
    def has_folder(self, name: str) -> bool:
        """Whether a folder is there."""

    @abc.abstractmethod
    def remove_folder(self, name: str) -> None:
        """Drop a folder with all in it; raises `OSError` where something of it stays."""

    @abc.abstractmethod
    def entries(self, folder: str) -> Iterator[Entry]:
        """The files of a folder."""
