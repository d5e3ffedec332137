"""New jobs: their uploads and rows, all or nothing."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.errors import RequestError
from service.jobs import files, uploads
from service.jobs.database import Database
from service.jobs.ended import Ended, remove_folder
from service.jobs.room import Room
from service.jobs.rows import Key
from service.jobs.uploads import Packing, Place
from service.schemas.photographs import Upload


class GivenUp(Exception):
    """Nobody waits any more for a job that is being kept."""


class Maker:
    """Makes the jobs of a store."""

    def __init__(self, folder: Path, database: Database, room: Room, ended: Ended) -> None:
        self._folder = folder
        self._database = database
        self._room = room
        self._ended = ended

    def make(
        self,
        options: dict[str, Any],
        items: Iterable[Upload],
        key: Key | None,
        given_up: Callable[[], bool],
        now: float,
    ) -> str:
        """What `JobStore.create` does. `now`: seconds since 1970."""
        if known := self._known(key):
            return known
        job, taken = secrets.token_hex(16), 0

        def take(size: int) -> None:
            nonlocal taken
            self._room.take(size)
            taken += size

        try:
            names, places = self._pack(job, items, take, given_up)
            with self._database.transaction() as database:
                # The same POST may have come twice at once.
                if not (known := self._known(key)):
                    _insert(database, (job, json.dumps(options), now, taken), names, places, key)
        except BaseException:
            self._undo(job, taken)
            raise
        if known:
            self._undo(job, taken)
        return known or job

    def _undo(self, job: str, taken: int) -> None:
        with suppress(OSError):  # the next start tries again
            remove_folder(self._folder / job)
        self._room.give(taken)

    def _pack(
        self,
        job: str,
        items: Iterable[Upload],
        take: Callable[[int], None],
        given_up: Callable[[], bool],
    ) -> tuple[list[str], list[Place]]:
        """Write the uploads; their names, and where they stand."""
        folder = self._folder / job
        folder.mkdir()
        packing = Packing(folder, take)
        names, places = [], []
        try:
            for item in items:
                if given_up():
                    raise GivenUp
                names.append(item.name)
                places.append(packing.add(item))
            packing.close()
        finally:
            packing.abandon()
        files.sync_folder(self._folder)
        return names, places

    def _known(self, key: Key | None) -> str | None:
        """The job that was made with a key; raises `RequestError` 422 where by another POST."""
        if key is None:
            return None
        rows = self._database.execute("SELECT job, body FROM keys WHERE key = ?", key.name)
        if not rows or self._ended.is_deleted(rows[0][0]):
            return None
        if rows[0][1] != key.body:
            message = (
                "this Idempotency-Key came with another form before: repeat a POST with exactly "
                "the same fields and files, and give each new one a new key"
            )
            raise RequestError(422, "idempotency_key_reused", message)
        return rows[0][0]


def _insert(
    database: sqlite3.Connection,
    job: tuple[str, str, float, int],
    names: list[str],
    places: list[Place],
    key: Key | None,
) -> None:
    """`job`: id, options as JSON, when it was made, bytes."""
    identity, options, created, size = job
    insert = "INSERT INTO jobs (id, state, options, created) VALUES (?, 'running', ?, ?)"
    database.execute(insert, (identity, options, created))
    database.execute("INSERT INTO sizes (job, bytes) VALUES (?, ?)", (identity, size))
    rows = (
        (identity, number, name, place.mask_bytes is not None)
        for number, (name, place) in enumerate(zip(names, places, strict=True))
    )
    insert = "INSERT INTO items (job, number, name, has_mask, state) VALUES (?, ?, ?, ?, 'waiting')"
    database.executemany(insert, rows)
    database.executemany(
        uploads.INSERT, ((identity, number, *place) for number, place in enumerate(places))
    )
    if key is not None:
        # In place of that of a deleted job.
        insert = "INSERT OR REPLACE INTO keys (key, body, job) VALUES (?, ?, ?)"
        database.execute(insert, (key.name, key.body, identity))
