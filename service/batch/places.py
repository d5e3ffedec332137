"""Files of a batch, on this machine or in an object store, by what pyarrow reads and writes."""

# pyright: reportMissingImports=false
from __future__ import annotations

import contextlib
import functools
import os
import time
import uuid
from pathlib import Path, PurePosixPath

from pyarrow import fs

from service.batch.errors import BatchError
from service.errors import ItemError
from service.store import folder

PARTS = "parts"
"""Where files are written that are not whole yet, on this machine."""
ATTEMPTS = 3
PAUSE_SECONDS = 0.5
"""Before a file is read again; twice as long the next time."""
NOT_THERE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""Errors of reading that another attempt does not mend."""


def locate(address: str) -> tuple[fs.FileSystem, str]:
    """The file system of an address, and the path in it; raises `BatchError`.

    An address is a path of this machine, or begins with `s3://`, `gs://` or `file://`.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return fs.LocalFileSystem(), os.path.abspath(address)
    if scheme == "file":
        return fs.LocalFileSystem(), os.path.abspath(rest)
    bucket, _, key = rest.partition("/")
    try:
        system, root = _store(f"{scheme}://{bucket}")
    except (OSError, ValueError) as error:
        raise BatchError(
            f"{address} is no address that can be read ({error}): give a path, s3:// or gs://"
        ) from error
    return system, str(PurePosixPath(root) / key)


@functools.lru_cache(64)
def _store(bucket: str) -> tuple[fs.FileSystem, str]:
    """A client of an object store, which keeps its connections."""
    return fs.FileSystem.from_uri(bucket)


def read(address: str) -> bytes:
    """The content of a photograph or mask; raises `ItemError` where there is none to be had."""
    attempt = 1
    while True:
        try:
            system, path = locate(address)
            with system.open_input_file(path) as file:
                return file.read()
        except BatchError as error:
            raise ItemError("unreadable_file", str(error)) from error
        except OSError as error:
            if isinstance(error, NOT_THERE) or attempt == ATTEMPTS:
                message = f"the file cannot be read ({error}): put it there, or leave it out"
                raise ItemError("unreadable_file", message) from error
            time.sleep(PAUSE_SECONDS * 2**attempt)
            attempt += 1


class Place:
    """A folder that is written to: each file is there whole or not at all."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.system, self.root = locate(address)
        self.is_local = isinstance(self.system, fs.LocalFileSystem)

    def path(self, name: str) -> str:
        """The path of a file in the file system."""
        return str(PurePosixPath(self.root) / name)

    def exists(self, name: str) -> bool:
        """Whether the file is there."""
        return self.system.get_file_info(self.path(name)).type == fs.FileType.File

    def names(self, folder: str) -> list[str]:
        """The names of the files in one of its folders, sorted; none where that is not there."""
        selector = fs.FileSelector(self.path(folder), allow_not_found=True)
        found = self.system.get_file_info(selector)
        return sorted(one.base_name for one in found if one.type == fs.FileType.File)

    def read(self, name: str) -> bytes:
        """The content of a file; raises `OSError`."""
        with self.system.open_input_file(self.path(name)) as file:
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        """All of it or nothing, also where the power goes; raises `OSError`."""
        if not self.is_local:
            # An object appears when its stream is closed, and not at all where that never is.
            with self.system.open_output_stream(self.path(name)) as stream:
                stream.write(content)
            return
        target, parts = Path(self.path(name)), Path(self.root) / PARTS
        target.parent.mkdir(parents=True, exist_ok=True)
        parts.mkdir(exist_ok=True)
        # Of its own: a process of a killed run may still be writing the same file.
        folder.write(target, content, parts / uuid.uuid4().hex)

    def append(self, name: str, line: str) -> None:
        """A line to a file of this machine; elsewhere nothing, as objects do not grow."""
        if self.is_local:
            path = Path(self.path(name))
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a") as file:
                file.write(line + "\n")

    def delete(self, name: str) -> None:
        """A file or a folder; nothing where neither is there."""
        with contextlib.suppress(FileNotFoundError):
            if self.system.get_file_info(self.path(name)).type == fs.FileType.Directory:
                self.system.delete_dir(self.path(name))
            else:
                self.system.delete_file(self.path(name))
