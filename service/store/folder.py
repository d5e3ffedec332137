"""Files in a folder: there whole or not at all."""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from service.store.files import Entry, Files, NewFile

BUFFER_BYTES = 1 << 20
"""That a file which is written piece by piece hands to the system at a time."""


class FolderTaken(RuntimeError):
    """Another process holds a folder, or it cannot be written."""


class Folder(Files):
    """Files below a folder of this machine, or of one that several machines have mounted."""

    is_near = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: bytes, *, fresh: bool = False) -> None:
        """All of it or nothing, also where the power goes.

        `fresh`: nobody knows the name before this returns, or wants it after the power went.
        """
        path = self.path / name
        if not fresh:
            # Two processes may write the same one at once.
            write(path, content, path.with_name(f"{path.name}.{secrets.token_hex(4)}.part"))
            return
        try:
            with open(path, "xb", buffering=0) as file:
                written = file.write(content)
            if written != len(content):  # the disk is full
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """A file, or `length` bytes from byte `start` on."""
        with open(self.path / name, "rb") as file:
            file.seek(start)
            return file.read(-1 if length is None else length)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        try:
            return (self.path / name).stat().st_size
        except FileNotFoundError:
            return None

    def create(self, name: str) -> NewFile:
        """A file to be written piece by piece, at its place."""
        return _NewFile(self.path / name)

    def remove(self, name: str) -> None:
        """Drop a file; nothing happens where it is gone."""
        (self.path / name).unlink(missing_ok=True)

    def make_folder(self, name: str) -> None:
        """A folder, which may be there already."""
        (self.path / name).mkdir(parents=True, exist_ok=True)

    def seal(self, name: str) -> None:
        """A folder and the names in it are on the disk when this returns."""
        sync_folder(self.path / name)
        sync_folder(self.path)

    def has_folder(self, name: str) -> bool:
        """Whether a folder is there."""
        return (self.path / name).is_dir()

    def remove_folder(self, name: str) -> None:
        """Drop a folder with all in it; raises `OSError` where it stays."""
        remove_folder(self.path / name)

    def entries(self, folder: str) -> Iterator[Entry]:
        """The files of a folder; none where it is not there."""
        with suppress(FileNotFoundError), os.scandir(self.path / folder) as found:
            for one in found:
                with suppress(FileNotFoundError):  # gone meanwhile
                    facts = one.stat()
                    if one.is_file():
                        yield Entry(f"{folder}/{one.name}", facts.st_size, facts.st_mtime)


class _NewFile:
    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb", buffering=BUFFER_BYTES)
        self._size = 0  # `tell` would ask the system each time

    def write(self, content: bytes) -> None:
        self._file.write(content)
        self._size += len(content)

    def size(self) -> int:
        return self._size

    def finish(self) -> None:
        sync(self._file)
        self._file.close()

    def abandon(self) -> None:
        with suppress(OSError):  # what it still held did not fit either
            self._file.close()


def lock(folder: Path) -> IO[bytes]:
    """The folder's lock, or `FolderTaken`; given back by the system however the process ends."""
    file = open_lock(folder)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise FolderTaken(f"{folder} is in use by another process") from None
    return file


def open_lock(folder: Path) -> IO[bytes]:
    """The file of the folder's lock, open; raises `FolderTaken` where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return open(folder / "lock", "ab")
    except OSError as error:
        raise FolderTaken(f"{folder} cannot be written ({error})") from error


def write(path: Path, content: bytes, temporary: Path | None = None) -> None:
    """All of it or nothing, also where the power goes or the disk is full.

    `temporary`: where it is written first, on the same file system; None: beside it.
    """
    temporary = temporary or path.with_suffix(f"{path.suffix}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            sync(file)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync(file: IO[bytes]) -> None:
    """What was written is on the disk when this returns."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """The names in a folder are on the disk when this returns."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def remove_folder(folder: Path) -> None:
    """A folder with all in it; raises `OSError` where it stays, as when a file is just written."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(FileNotFoundError):
        folder.rmdir()  # says why it is still there
