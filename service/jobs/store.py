"""Jobs in a database and files: what was accepted outlives the processes that work on it.

    <job>/uploads.<part>            uploads, until all in the file are answered
    <job>/<index>.json              the answer of an item, in lines
    <job>/<index>.<attempt>.json    one of a later attempt than the first

The database says which jobs there are, the state of every item, where its upload stands, and who
works on it. A file is written whole before the database names it, so that a crash between the two
leaves an item to do again, never half an answer. Any number of processes share a store.
"""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.jobs import taking_up, uploads
from service.jobs.claims import Claims
from service.jobs.ended import Ended
from service.jobs.finishing import Finisher
from service.jobs.making import Maker
from service.jobs.members import Member, members_of
from service.jobs.room import Room
from service.jobs.rows import ITEM_COLUMNS, Item, Job, Key
from service.jobs.uploads import Place
from service.schemas.photographs import Upload
from service.store.folder import FolderTaken
from service.store.opening import EmbeddedStore, Store


class JobStore:
    """Every method is short but for `create`; safe to call from several threads.

    Those that write raise `OSError` where the disk is full or fails, and can be called again;
    `cancel` and `delete` never do.
    """

    def __init__(
        self,
        place: Path | Store,
        clock: Callable[[], float] | None = None,
        limit: int = sys.maxsize,
    ) -> None:
        """`place`: a folder, for an embedded store. `clock`: seconds since 1970; None: that of the
        database. `limit`: bytes of all uploads and results.

        Raises `FolderTaken` where the folder cannot be written, or an older version holds it.
        """
        self.store = EmbeddedStore(place) if isinstance(place, Path) else place
        self._database = self.store.database
        self._files = self.store.files
        self._clock = clock or self._database.clock
        self._room = Room(self._database, self.store.leases, limit)
        self._ended = Ended(self.store)
        self._maker = Maker(self.store, self._room, self._ended)
        self._claims = Claims(self.store)
        self._finisher = Finisher(self.store, self._room, self._ended, self._clock)
        self._open()

    @property
    def folder(self) -> Path:
        """That of an embedded store."""
        assert isinstance(self.store, EmbeddedStore)
        return self.store.folder

    def create(
        self,
        options: dict[str, Any],
        images: Iterable[Upload],
        key: Key | None = None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> str:
        """Keep the uploads and the job, all or nothing; its id.

        Each image is an item; where option `objects` says so, each object is one, of all images
        with its name. An image without a name is an object of its own then.

        `key`: where a job was made with it, it is that one's id, and nothing is kept.
        `given_up`: asked before each upload.

        Raises:
            RequestError: 507 where they are more than may be held; 422 where the key came with
                another body; what reading `images` raises.
            GivenUp: `given_up` said so.
        """
        return self._maker.make(options, images, key, given_up, self._clock())

    def job(self, identity: str) -> Job | None:
        """A job, or None where there is none of that id."""
        find = (
            "SELECT id, state, options, created, finished, "
            f"{self._database.now} - since, answered "
            "FROM jobs LEFT JOIN paces ON job = id WHERE id = ?"
        )
        count = "SELECT state, COUNT(*) FROM items WHERE job = ? GROUP BY state"
        with self._database.reading() as statements:
            rows = statements.execute(find, identity)
            counts = dict(statements.execute(count, identity)) if rows else {}
        if not rows:
            return None
        identity, state, options, created, finished, seconds, answered = rows[0]
        options = json.loads(options)
        job = Job(identity, state, options, created, finished, counts, seconds, answered or 0)
        return self._ended.seen(job)

    def items(self, job: str, first: int, limit: int, states: tuple[str, ...]) -> list[Item]:
        """The items in these states from number `first` on, in order."""
        marks = ", ".join("?" * len(states))
        rows = self._database.execute(
            f"SELECT {ITEM_COLUMNS} FROM items "
            f"WHERE job = ? AND number >= ? AND state IN ({marks}) ORDER BY number LIMIT ?",
            *(job, first, *states, limit),
        )
        return list(map(Item._make, rows))

    def running(self) -> list[str]:
        """The jobs with something left to do, the oldest first."""
        find = "SELECT id FROM jobs WHERE state = 'running' ORDER BY created"
        return [row[0] for row in self._database.execute(find) if row[0] not in self._ended]

    def free(self, job: str, most: int) -> dict[int, int]:
        """The first items of a job that wait and that nobody works on: by number their images."""
        return self._claims.free(job, most)

    def take(self, wanted: Mapping[str, Collection[int]]) -> list[Item]:
        """Claim items by their jobs; those of them that nobody else was given meanwhile.

        Nobody else is given them while this process lives. Each counts as begun once more.
        """
        return self._claims.take(wanted)

    def give_back(self, item: Item, *, counts: bool = False) -> None:
        """Let others have an item that was taken; `counts`: the attempt was its own fault."""
        self._claims.give_back(item, counts)

    def keep_only(self, begun: Set[tuple[str, int]]) -> None:
        """Let others have what this process was given and does not work on.

        It may not know of it, as where the connection ended before the database could say so.
        `begun`: jobs and numbers of what it works on.
        """
        self._claims.keep_only(begun)

    def members(self, item: Item) -> list[Member]:
        """The images of an item, in the order sent; none where its job is deleted."""
        with self._database.reading() as statements:
            return members_of(statements, item)

    def uploads(self, item: Item) -> list[tuple[int, Upload]]:
        """What came, by number, held in memory.

        Reading it raises `ItemError` where it could not be read. Raises `FileNotFoundError` where
        it is answered, cancelled or deleted.
        """
        find = (
            "SELECT part, start, image_bytes, mask_bytes, box, code, message FROM uploads "
            "WHERE job = ? AND number = ?"
        )
        found = []
        with self._database.reading() as statements:
            for member in members_of(statements, item):
                for row in statements.execute(find, item.job, member.number):
                    found.append((member, Place._make(row)))
        if not found:
            raise FileNotFoundError(f"job {item.job} has no upload of item {item.number}")
        return [
            (member.number, uploads.read(self._files, item.job, place, member.name))
            for member, place in found
        ]

    def answer(self, item: Item) -> bytes:
        """What `finish` was given of an item; raises `FileNotFoundError` where it is deleted."""
        try:
            return self._files.read(item.answer_name)
        except FileNotFoundError:
            if item.answer_name == item.first_answer_name:
                raise
            return self._files.read(item.first_answer_name)

    def finish(
        self,
        item: Item,
        answer: bytes,
        error: tuple[str, str] | None,
        beyond_limit: bool = False,
    ) -> None:
        """Keep the answer of an item, drop what is answered; the last one finishes the job.

        Nothing is kept where the job is deleted, or somebody else was given the item meanwhile.

        Raises:
            RequestError: 507 where it is more than may be held, and not allowed to be.
        """
        if self._ended.is_deleted(item.job):
            self.settle(item.job)
            return
        try:
            self._finisher.finish(item, answer, error, beyond_limit)
        except FileNotFoundError:  # the job's folder is gone
            self.settle(item.job)

    def cancel(self, identity: str) -> None:
        """Begin nothing more of a job; what is answered stays until its time is over."""
        self._ended.cancel(identity, self._clock())

    def delete(self, identity: str) -> None:
        """The job and its files."""
        self._ended.delete(identity)

    def settle(self, identity: str) -> None:
        """End a job whose files somebody else took away."""
        if self.job(identity) is not None:
            self._ended.settle(identity, self._clock())

    def expire(self, seconds: float) -> list[str]:
        """Delete the jobs that ended longer ago than that; their ids.

        What dead processes had taken is free again.
        """
        with suppress(OSError):  # a full disk: the next call does it
            self._database.tidy()
        self._ended.write_down()
        self.store.leases.tidy()
        find = "SELECT id FROM jobs WHERE finished <= ?"
        over = [row[0] for row in self._database.execute(find, self._clock() - seconds)]
        for identity in over:
            self.delete(identity)
        return over

    def bytes_held(self) -> int:
        """Size of all files of all jobs, and of those that are being made."""
        return self._room.held()

    def close(self) -> None:
        """Let other processes have what this one had taken."""
        self.store.close()

    def _open(self) -> None:
        """Bring into order what earlier processes left, where there is none now."""
        store = self.store
        if not isinstance(store, EmbeddedStore):
            try:
                store.join()
            except BaseException:
                store.close()
                raise
            return
        try:
            if store.alone:
                taking_up.adopt(store.folder, self._database)
                taking_up.settle(store.folder, self._database, self._ended, self._clock())
                taking_up.count(store.folder, self._database)
            store.join()
        except OSError as error:
            store.abandon()
            raise FolderTaken(f"{store.folder} cannot be written ({error})") from error
        except BaseException:
            store.abandon()
            raise
