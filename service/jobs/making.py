"""New jobs: their uploads and rows, all or nothing."""

import json
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from service.errors import RequestError
from service.jobs import members, uploads
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


class _Packed(NamedTuple):
    """An image that is kept."""

    name: str
    object: str | None
    place: Place


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
        images: Iterable[Upload],
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
            packed = self._pack(job, images, share, given_up)
            with self._database.transaction() as statements:
                share.settle(statements)
                _insert_job(statements, (job, json.dumps(options), now, share.taken))
                _insert_items(statements, job, packed, options.get("objects", "none") != "none")
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
        images: Iterable[Upload],
        share: Reservation,
        given_up: Callable[[], bool],
    ) -> list[_Packed]:
        """Write the uploads; where they stand, in the order sent."""
        self._files.make_folder(job)
        packing = Packing(self._files, job, share.take)
        packed = []
        try:
            for image in images:
                if given_up():
                    raise GivenUp
                packed.append(_Packed(image.name, image.object, packing.add(image)))
            packing.close()
        finally:
            packing.abandon()
        return packed

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


def _insert_job(statements: Statements, job: tuple[str, str, float, int]) -> None:
    """`job`: id, options as JSON, when it was made, bytes."""
    identity, options, created, size = job
    insert = "INSERT INTO jobs (id, state, options, created) VALUES (?, 'running', ?, ?)"
    statements.change(insert, identity, options, created)
    statements.change("INSERT INTO sizes (job, bytes) VALUES (?, ?)", identity, size)


def _insert_items(
    statements: Statements, job: str, packed: Sequence[_Packed], of_objects: bool
) -> None:
    """The items, which are images or objects, and their uploads."""
    insert = "INSERT INTO items (job, number, name, has_mask, state) VALUES (?, ?, ?, ?, 'waiting')"
    if of_objects:
        groups = list(members.grouped([image.object for image in packed]))
        rows = [
            (job, item, name or packed[numbers[0]].name, 0)
            for item, (name, numbers) in enumerate(groups)
        ]
        statements.insert(insert, rows)
        statements.insert(
            members.INSERT,
            (
                (job, item, number, packed[number].name)
                for item, (_, numbers) in enumerate(groups)
                for number in numbers
            ),
        )
    else:
        rows = [
            (job, number, image.name, int(image.place.mask_bytes is not None))
            for number, image in enumerate(packed)
        ]
        statements.insert(insert, rows)
    statements.insert(
        uploads.INSERT, ((job, number, *image.place) for number, image in enumerate(packed))
    )
