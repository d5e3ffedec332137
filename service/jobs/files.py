"""The folder of the jobs: its lock, and files that are there whole or not at all."""

import fcntl
import os
from pathlib import Path
from typing import IO


class FolderTaken(RuntimeError):
    """Another process works on the jobs of this folder, or it cannot be written."""


def lock(folder: Path) -> IO[bytes]:
    """The folder's lock, or `FolderTaken`; given back by the system however the process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / "lock", "ab")
    except OSError as error:
        raise FolderTaken(f"{folder} cannot be written ({error})") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise FolderTaken(f"{folder} is in use by another process") from None
    return file


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
