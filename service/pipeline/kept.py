"""Reconstructions kept for a while, so that a client may name one by its id."""

import asyncio
import hashlib
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from service.errors import ItemError
from service.model.manifest import TEMPLATE_FILE, Manifest
from service.pipeline.archive import Archive, from_kept, to_kept
from service.store.files import Files

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

FOLDER = "reconstructions"
IDENTITY = re.compile("[0-9a-f]{32}")
WRITERS = 16
"""Threads that wait for an object store, so that none of those that compute has to."""
SWEEPS = 4
"""Times that files are looked for which are too old, while one is good."""


def fitting(manifest: Manifest) -> str:
    """Digest of what a reconstruction has to fit: the template, and the sides of its pictures.

    A bundle that was trained anew from the same template takes those of the old one.
    """
    parts = (manifest.files[TEMPLATE_FILE], manifest.resolution, manifest.texture_size)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


class Keeping(NamedTuple):
    """A reconstruction that is being kept."""

    id: str
    """128 random bits, so that no client can guess another's."""
    writing: Future[None] | None
    """None: it is written already, or kept in memory alone."""

    async def done(self) -> str:
        """Its id, once every process finds it."""
        if self.writing is not None:
            await asyncio.wrap_future(self.writing)
        return self.id


class Kept:
    """The newest reconstructions of this process, in memory; safe to use from several threads.

    Where files are shared each is a file too, which any process finds: it is written before its id
    is answered. A file that cannot be written costs no answer: this process knows it all the same.
    """

    def __init__(self, largest: int, seconds: int, clock: Callable[[], float] = time.time) -> None:
        """`largest`: reconstructions of this process. `clock`: seconds since 1970."""
        self._largest = largest
        self._seconds = seconds
        self._clock = clock
        self._archives: OrderedDict[str, tuple[float, Archive]] = OrderedDict()
        self._lock = Lock()
        self._files: Files | None = None
        self._model = ""
        self._writers: ThreadPoolExecutor | None = None
        self._swept = clock()
        self._failing = False

    def share(self, files: Files, model: str) -> None:
        """Let other processes find what is kept from here on. `model`: by `fitting`."""
        self._model = model
        self._writers = ThreadPoolExecutor(WRITERS, "kept")
        try:
            files.make_folder(FOLDER)
        except OSError as error:
            self._tell(error)
        self._files = files
        self._writers.submit(self._sweep)

    def keep(self, archive: Archive) -> Keeping:
        """Keep one; its id is good once `Keeping.done` has ended."""
        identity, now = secrets.token_hex(16), self._clock()
        until = now + self._seconds
        with self._lock:
            gone = self._drop_old(now)
            self._archives[identity] = (until, archive)
            if len(self._archives) > self._largest:
                gone.append(self._archives.popitem(last=False)[0])
        if self._files is None or self._writers is None:
            return Keeping(identity, None)
        if now - self._swept >= self._seconds / SWEEPS:
            self._swept = now
            self._writers.submit(self._sweep)
        if self._files.is_near:
            self._write(identity, until, archive, gone)
            return Keeping(identity, None)
        writing = self._writers.submit(self._write, identity, until, archive, gone)
        return Keeping(identity, writing)

    async def find(self, identity: str) -> Archive:
        """The reconstruction of an id; raises `ItemError` where it never was kept or is no more."""
        with self._lock:
            self._drop_old(self._clock())
            found = self._archives.get(identity)
        if found is not None:
            return found[1]
        if self._files is not None and IDENTITY.fullmatch(identity):
            archive = await asyncio.to_thread(self._read, self._files, identity)
            if archive is not None:
                return archive
        raise ItemError(
            "unknown_id",
            f"no reconstruction {identity[:40]!r} is kept here: ids last {self._seconds} s, or "
            "until newer ones take their place; send the npz that format=npz returns",
        )

    def close(self) -> None:
        """End the threads; what is kept in files stays for other processes."""
        if self._writers is not None:
            self._writers.shutdown()

    def _drop_old(self, now: float) -> list[str]:
        gone = []
        # All are kept equally long: the oldest come first.
        while self._archives and next(iter(self._archives.values()))[0] <= now:
            gone.append(self._archives.popitem(last=False)[0])
        return gone

    def _name(self, identity: str) -> str:
        return f"{FOLDER}/{identity}.{self._model}"

    def _write(self, identity: str, until: float, archive: Archive, gone: list[str]) -> None:
        assert self._files is not None
        try:
            self._files.write(self._name(identity), to_kept(archive, until), fresh=True)
            self._failing = False
            for old in gone:
                self._files.remove(self._name(old))
        except OSError as error:
            self._tell(error)

    def _read(self, files: Files, identity: str) -> Archive | None:
        try:
            until, archive = from_kept(files.read(self._name(identity)))
        except FileNotFoundError:
            return None
        return archive if until > self._clock() else None

    def _sweep(self) -> None:
        """Drop the files of processes that ended, once they are too old."""
        assert self._files is not None
        with suppress(OSError):  # the next one tries again
            for entry in self._files.entries(FOLDER):
                if entry.modified + self._seconds <= self._clock():
                    self._files.remove(entry.name)

    def _tell(self, error: OSError) -> None:
        """Say once that files cannot be written."""
        if not self._failing:
            logger.warning(
                "ids of reconstructions answer on this process alone until it can write files: %s",
                error,
            )
        self._failing = True
