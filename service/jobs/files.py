"""The folder of the jobs: its lock, and files that are there whole or not at all."""

import fcntl
import json
import os
from pathlib import Path
from typing import IO

from service.errors import ItemError
from service.schemas.photographs import Upload


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


def write_upload(path: Path, item: Upload) -> None:
    """Its image, mask and box beside each other, or why they could not be read (`.refused`)."""
    try:
        image = item.read()
        mask = None if item.read_mask is None else item.read_mask()
    except ItemError as error:
        write(path.with_suffix(".refused"), json.dumps([error.code, error.message]).encode())
        return
    write(path.with_suffix(".image"), image)
    if mask is not None:
        write(path.with_suffix(".mask"), mask)
    if item.box is not None:
        write(path.with_suffix(".box"), json.dumps(item.box).encode())


def write(path: Path, content: bytes) -> None:
    """All of it or nothing, also where the power goes."""
    temporary = path.with_suffix(f"{path.suffix}.part")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
