"""Jobs in an embedded database and a folder: what was accepted outlives the process.

    <folder>/jobs.sqlite3            jobs, the state of every item and where its upload stands
    <folder>/<job>/uploads.<part>    uploads, until all in the file are answered
    <folder>/<job>/<index>.json      an ImageAnswer

A file is written whole before the database names it, so that a crash between the two leaves an
item to do again, never half an answer. One process at a time: the folder is locked.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

from service.jobs import files, taking_up, uploads
from service.jobs.database import Database
from service.jobs.ended import Ended
from service.jobs.files import FolderTaken
from service.jobs.making import Maker
from service.jobs.room import Room
from service.jobs.rows import Item, Job, Key
from service.jobs.uploads import Place
from service.schemas.photographs import Upload


class _Emptied(NamedTuple):
    """A file of uploads that are all answered."""

    path: Path
    size: int
    """Bytes."""


class JobStore:
    """Every method is short but for `create`; safe to call from several threads.

    Those that write raise `OSError` where the disk is full or fails, and can be called again;
    `cancel` and `delete` never do.
    """

    def __init__(
        self, folder: Path, clock: Callable[[], float] = time.time, limit: int = sys.maxsize
    ) -> None:
        """`limit`: bytes of all uploads and results.

        Raises `FolderTaken` where another process holds the folder or it cannot be written.
        """
        self.folder = folder
        self._clock = clock
        self._lock = files.lock(folder)
        try:
            with ExitStack() as opened:
                opened.callback(self._lock.close)
                self._database = Database(folder / "jobs.sqlite3")
                opened.callback(self._database.close)
                taking_up.adopt(folder, self._database)
                self.room = Room(limit)
                self._ended = Ended(folder, self._database, self.room)
                self._maker = Maker(folder, self._database, self.room, self._ended)
                taking_up.settle(folder, self._database, self._ended, clock())
                self.room.held = taking_up.count(folder, self._database)
                opened.pop_all()  # stays open
        except OSError as error:
            raise FolderTaken(f"{folder} cannot be written ({error})") from error

    def create(
        self,
        options: dict[str, Any],
        items: Iterable[Upload],
        key: Key | None = None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> str:
        """Keep the uploads and the job, all or nothing; its id.

        `key`: where a job was made with it, it is that one's id, and nothing is kept.
        `given_up`: asked before each upload.

        Raises:
            RequestError: 507 where they are more than may be held; 422 where the key came with
                another body; what reading `items` raises.
            GivenUp: `given_up` said so.
        """
        return self._maker.make(options, items, key, given_up, self._clock())

    def job(self, identity: str) -> Job | None:
        """A job, or None where there is none of that id."""
        find = "SELECT id, state, options, created, finished FROM jobs WHERE id = ?"
        count = "SELECT state, COUNT(*) FROM items WHERE job = ? GROUP BY state"
        with self._database.transaction():
            rows = self._database.execute(find, identity)
            counts = self._database.execute(count, identity)
        if not rows:
            return None
        identity, state, options, created, finished = rows[0]
        job = Job(identity, state, json.loads(options), created, finished, dict(counts))
        return self._ended.seen(job)

    def items(self, job: str, first: int, limit: int, states: tuple[str, ...]) -> list[Item]:
        """The items in these states from number `first` on, in order."""
        marks = ", ".join("?" * len(states))
        rows = self._database.execute(
            "SELECT job, number, name, state, code, message, attempts FROM items "
            f"WHERE job = ? AND number >= ? AND state IN ({marks}) ORDER BY number LIMIT ?",
            *(job, first, *states, limit),
        )
        return list(map(Item._make, rows))

    def running(self) -> list[str]:
        """The jobs with something left to do, the oldest first."""
        find = "SELECT id FROM jobs WHERE state = 'running' ORDER BY created"
        return [row[0] for row in self._database.execute(find) if row[0] not in self._ended]

    def begin(self, item: Item) -> None:
        """Note that an item is being worked on, before it is."""
        self._count_attempts(item, 1)

    def give_back(self, item: Item) -> None:
        """Take the note back of an item that was put off, through no fault of its own."""
        self._count_attempts(item, -1)

    def upload(self, item: Item) -> Upload:
        """What came, held in memory; reading it raises `ItemError` where it could not be read.

        Raises `FileNotFoundError` where it is answered, cancelled or deleted.
        """
        rows = self._database.execute(
            "SELECT part, start, image_bytes, mask_bytes, box, code, message FROM uploads "
            "WHERE job = ? AND number = ?",
            *(item.job, item.number),
        )
        if not rows:
            raise FileNotFoundError(f"job {item.job} has no upload {item.number}")
        return uploads.read(self.folder / item.job, Place._make(rows[0]), item.name)

    def answer(self, item: Item) -> bytes:
        """The ImageAnswer of a finished item; raises `FileNotFoundError` where it is deleted."""
        return self._answer_path(item).read_bytes()

    def finish(
        self,
        item: Item,
        answer: bytes,
        error: tuple[str, str] | None,
        beyond_limit: bool = False,
    ) -> None:
        """Keep the answer of an item, drop what is answered; the last one finishes the job.

        Nothing is kept where the job is deleted.

        Raises:
            RequestError: 507 where it is more than may be held, and not allowed to be.
        """
        path = self._answer_path(item)
        if not path.parent.is_dir() or self._ended.is_deleted(item.job):
            self.settle(item.job)
            return
        self.room.take(len(answer), beyond_limit)
        try:
            files.write(path, answer)
            with self._database.transaction() as database:
                kept, emptied = self._note(database, item, len(answer), error)
        except BaseException:
            path.unlink(missing_ok=True)
            self.room.give(len(answer))
            raise
        finally:
            self._ended.clear(item.job)
        if not kept:  # deleted meanwhile, with its folder
            self.room.give(len(answer))
        elif emptied is not None:
            with suppress(OSError):  # counted until the next start, which tries again
                emptied.path.unlink(missing_ok=True)
                self.room.give(emptied.size)

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
        """Delete the jobs that ended longer ago than that; their ids."""
        self._ended.write_down()
        find = "SELECT id FROM jobs WHERE finished <= ?"
        over = [row[0] for row in self._database.execute(find, self._clock() - seconds)]
        for identity in over:
            self.delete(identity)
        return over

    def bytes_held(self) -> int:
        """Size of all files of all jobs."""
        return self.room.held

    def close(self) -> None:
        """Let another process take the folder."""
        self._database.close()
        self._lock.close()

    def _note(
        self,
        database: sqlite3.Connection,
        item: Item,
        size: int,
        error: tuple[str, str] | None,
    ) -> tuple[bool, _Emptied | None]:
        """Whether the job is there, and the file of uploads that is of no use from here on."""
        update = "UPDATE sizes SET bytes = bytes + ? WHERE job = ?"
        if not database.execute(update, (size, item.job)).rowcount:
            return False, None
        state = "ok" if error is None else "error"
        database.execute(
            "UPDATE items SET state = ?, code = ?, message = ? WHERE job = ? AND number = ?",
            (state, *(error or (None, None)), item.job, item.number),
        )
        database.execute(
            "UPDATE jobs SET state = 'done', finished = ? WHERE id = ? AND state = 'running' "
            "AND NOT EXISTS (SELECT 1 FROM items WHERE job = ? AND state = 'waiting')",
            (self._clock(), item.job, item.job),
        )
        emptied = self._empty(database, item)
        if emptied is not None:
            database.execute(update, (-emptied.size, item.job))
        return True, emptied

    def _empty(self, database: sqlite3.Connection, item: Item) -> _Emptied | None:
        """Forget where an upload stands; its file, where it was the last one there."""
        delete = "DELETE FROM uploads WHERE job = ? AND number = ? RETURNING part"
        parts = database.execute(delete, (item.job, item.number)).fetchall()
        find = "SELECT 1 FROM uploads WHERE job = ? AND part = ? LIMIT 1"
        if not parts or database.execute(find, (item.job, *parts[0])).fetchall():
            return None
        path = uploads.path_of(self.folder / item.job, parts[0][0])
        return _Emptied(path, path.stat().st_size if path.exists() else 0)

    def _answer_path(self, item: Item) -> Path:
        return self.folder / item.job / f"{item.number}.json"

    def _count_attempts(self, item: Item, more: int) -> None:
        update = "UPDATE items SET attempts = attempts + ? WHERE job = ? AND number = ?"
        self._database.execute(update, more, item.job, item.number)
