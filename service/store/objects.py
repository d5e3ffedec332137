"""Files in an object store: S3, what speaks its language, and Google Cloud Storage."""

# The extra `shared` brings obstore.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import chain
from typing import IO

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import from_url

from service.errors import StoreFailed
from service.store.files import Entry, Files, NewFile

TIMEOUT = timedelta(seconds=30)
"""Of one try to read or write."""
RETRIES = 3
RETRY_TIMEOUT = timedelta(seconds=60)
DELETED_AT_ONCE = 1000
"""Most names in one request to delete, as S3 allows."""


class Objects(Files):
    """Files below a prefix. There are no folders: a name with files below it is one."""

    is_near = False

    def __init__(self, address: str) -> None:
        """`address`: `s3://bucket/prefix` or `gs://bucket/prefix`; credentials as the clients of
        these clouds take them, from the environment. Raises `StoreFailed`.
        """
        with _failures(address):
            self._store = from_url(
                address,
                # Who names an address without TLS means it.
                client_options={
                    "timeout": TIMEOUT,
                    "allow_http": os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"),
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT},
            )

    def write(self, name: str, content: bytes, *, fresh: bool = False) -> None:
        """All of it or nothing; what is written lasts in any case."""
        with _failures(name):
            obstore.put(self._store, name, content)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """A file, or `length` bytes from byte `start` on."""
        with _failures(name):
            if length is None:
                return bytes(obstore.get(self._store, name).bytes())[start:]
            if not length:  # no range that there is
                obstore.head(self._store, name)
                return b""
            return bytes(obstore.get_range(self._store, name, start=start, length=length))

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        try:
            with _failures(name):
                return obstore.head(self._store, name)["size"]
        except FileNotFoundError:
            return None

    def create(self, name: str) -> NewFile:
        """A file that is written here first, and sent when it is finished."""
        return _NewFile(self, name)

    def send(self, name: str, file: IO[bytes]) -> None:
        """Write what a file of this machine holds."""
        with _failures(name):
            obstore.put(self._store, name, file)

    def remove(self, name: str) -> None:
        """Drop a file; nothing happens where it is gone."""
        with suppress(FileNotFoundError), _failures(name):
            obstore.delete(self._store, name)

    def make_folder(self, name: str) -> None:
        """Nothing: there are no folders."""

    def seal(self, name: str) -> None:
        """Nothing: what is written lasts."""

    def has_folder(self, name: str) -> bool:
        """Whether there are files below a name."""
        return next(self.entries(name), None) is not None

    def remove_folder(self, name: str) -> None:
        """Drop all files below a name."""
        names = [entry.name for entry in self.entries(name)]
        for first in range(0, len(names), DELETED_AT_ONCE):
            with suppress(FileNotFoundError), _failures(name):
                obstore.delete(self._store, names[first : first + DELETED_AT_ONCE])

    def entries(self, folder: str) -> Iterator[Entry]:
        """The files below a name."""
        with _failures(folder):
            for found in chain.from_iterable(obstore.list(self._store, f"{folder}/")):
                yield Entry(found["path"], found["size"], found["last_modified"].timestamp())


class _NewFile:
    def __init__(self, objects: Objects, name: str) -> None:
        self._objects = objects
        self._name = name
        self._file = tempfile.TemporaryFile()

    def write(self, content: bytes) -> None:
        self._file.write(content)

    def size(self) -> int:
        return self._file.tell()

    def finish(self) -> None:
        self._file.seek(0)
        self._objects.send(self._name, self._file)
        self._file.close()

    def abandon(self) -> None:
        with suppress(OSError):
            self._file.close()


@contextmanager
def _failures(name: str) -> Iterator[None]:
    """Those of the store and of the way there as `OSError`, as files have them."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise FileNotFoundError(f"{name} is not in the object store") from error
    except BaseError as error:
        raise StoreFailed(f"object store, {name}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """Of messages that go on with the whole answer of a server."""
    return str(error).strip().splitlines()[0][:300]
