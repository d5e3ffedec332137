"""New jobs: their uploads and rows, all or nothing."""

import json
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from service.errors import RequestError
from service.jobs import uploads
from service.jobs.ended import Ended
from service.jobs.room import Reservation, Room
from service.jobs.rows import Key
from service.jobs.uploads import Packing, Place
from service.schemas.photographs import Upload
from service.store.database import Statements
from service.store.opening import Store


class GivenUp(Exception):
    """Nobody waits any more for a job that is being kept."""


class _MadeMeanwhile(Exception):
    """The same POST came twice at once, and another one was quicker."""


class Maker:
    """Makes the jobs of a store."""

    def __init__(self, store: Store, room: Room, ended: Ended) -> None:
        self._files = store.files
        self._database = store.database
        self._leases = store.leases
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
        job = secrets.token_hex(16)
        share = self._room.begin(job)
        try:
            names, places = self._pack(job, items, share, given_up)
            with self._database.transaction() as statements:
                share.settle(statements)
                new = (job, json.dumps(options), now, share.taken)
                _insert(statements, new, names, places)
                self._insert_key(statements, job, key)
        except _MadeMeanwhile:
            self._leases.give_up(job)
            return self.make(options, (), key, given_up, now)
        except BaseException:
            self._leases.give_up(job)
            raise
        return job

    def _pack(
        self,
        job: str,
        items: Iterable[Upload],
        share: Reservation,
        given_up: Callable[[], bool],
    ) -> tuple[list[str], list[Place]]:
        """Write the uploads; their names, and where they stand."""
        self._files.make_folder(job)
        packing = Packing(self._files, job, share.take)
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

    def _insert_key(self, statements: Statements, job: str, key: Key | None) -> None:
        if key is None:
            return
        insert = "INSERT INTO keys (key, body, job) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING"
        if statements.change(insert, key.name, key.body, job):
            return
        ((known,),) = statements.execute("SELECT job FROM keys WHERE key = ?", key.name)
        if not self._ended.is_deleted(known):
            raise _MadeMeanwhile
        statements.change(
            "UPDATE keys SET body = ?, job = ? WHERE key = ?", key.body, job, key.name
        )


def _insert(
    statements: Statements,
    job: tuple[str, str, float, int],
    names: list[str],
    places: list[Place],
) -> None:
    """`job`: id, options as JSON, when it was made, bytes."""
    identity, options, created, size = job
    insert = "INSERT INTO jobs (id, state, options, created) VALUES (?, 'running', ?, ?)"
    statements.change(insert, identity, options, created)
    statements.change("INSERT INTO sizes (job, bytes) VALUES (?, ?)", identity, size)
    rows = (
        (identity, number, name, int(place.mask_bytes is not None))
        for number, (name, place) in enumerate(zip(names, places, strict=True))
    )
    insert = "INSERT INTO items (job, number, name, has_mask, state) VALUES (?, ?, ?, ?, 'waiting')"
    statements.insert(insert, rows)
    statements.insert(
        uploads.INSERT, ((identity, number, *place) for number, place in enumerate(places))
    )
