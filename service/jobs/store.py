"""Jobs in an embedded database and a folder: what was accepted outlives the process.

    <folder>/jobs.sqlite3            jobs and the state of every item
    <folder>/<job>/<index>.image     an upload, until it is answered
    <folder>/<job>/<index>.mask      its mask
    <folder>/<job>/<index>.box       JSON: where its object is
    <folder>/<job>/<index>.refused   in place of all three, why the upload could not be read
    <folder>/<job>/<index>.json      its ImageAnswer

A file is written whole before the database names it, so that a crash between the two leaves an
item to do again, never half an answer. One process at a time: the folder is locked.
"""

import contextlib
import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Literal, NamedTuple

from service.errors import ItemError
from service.jobs import files
from service.schemas.photographs import Box, Upload

UPLOADS = ("image", "mask", "box", "refused")
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    options TEXT NOT NULL,
    created REAL NOT NULL,
    finished REAL
);
CREATE TABLE IF NOT EXISTS items (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    has_mask INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'ok', 'error')),
    code TEXT,
    message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS open_items ON items (job, number) WHERE state = 'waiting';
"""


JobState = Literal["running", "done", "cancelled"]
ItemState = Literal["waiting", "ok", "error"]


class Item(NamedTuple):
    """One image of a job."""

    job: str
    number: int
    """Index in the job, from 0."""
    name: str
    has_mask: bool
    state: ItemState
    code: str | None
    message: str | None
    attempts: int
    """Times it was begun: several, and never finished, means that it took the process down."""


class Job(NamedTuple):
    """A job as it stands."""

    id: str
    state: JobState
    options: dict[str, Any]
    created: float
    """Seconds since 1970."""
    finished: float | None
    counts: dict[str, int]
    """Items by state."""


class JobStore:
    """Every method is short but for `create`; safe to call from several threads."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """Raises `FolderTaken` where another process holds the folder."""
        self.folder = folder
        self._clock = clock
        self._lock = files.lock(folder)
        self._mutex = RLock()
        self._database = sqlite3.connect(folder / "jobs.sqlite3", check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.executescript(SCHEMA)
        self._drop_strays()

    def create(self, options: dict[str, Any], items: Iterable[Upload]) -> str:
        """Keep the uploads and the job; its id. Nothing of it is left where that fails."""
        job = secrets.token_hex(16)
        folder = self.folder / job
        folder.mkdir()
        rows = []
        try:
            for number, item in enumerate(items):
                files.write_upload(folder / str(number), item)
                has_mask = item.read_mask is not None
                rows.append((job, number, item.name, has_mask, "waiting"))
            with self._transaction() as database:
                values = (job, "running", json.dumps(options), self._clock())
                database.execute(
                    "INSERT INTO jobs (id, state, options, created) VALUES (?, ?, ?, ?)", values
                )
                database.executemany(
                    "INSERT INTO items (job, number, name, has_mask, state) VALUES (?, ?, ?, ?, ?)",
                    rows,
                )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return job

    def job(self, identity: str) -> Job | None:
        """A job, or None where there is none of that id."""
        find = "SELECT id, state, options, created, finished FROM jobs WHERE id = ?"
        count = "SELECT state, COUNT(*) FROM items WHERE job = ? GROUP BY state"
        with self._mutex:
            rows, counts = self._execute(find, identity), self._execute(count, identity)
        if not rows:
            return None
        identity, state, options, created, finished = rows[0]
        return Job(identity, state, json.loads(options), created, finished, dict(counts))

    def items(self, job: str, first: int, limit: int, states: tuple[str, ...]) -> list[Item]:
        """The items in these states from number `first` on, in order."""
        marks = ", ".join("?" * len(states))
        rows = self._execute(
            "SELECT job, number, name, has_mask, state, code, message, attempts FROM items "
            f"WHERE job = ? AND number >= ? AND state IN ({marks}) ORDER BY number LIMIT ?",
            *(job, first, *states, limit),
        )
        return [Item._make(row)._replace(has_mask=bool(row[3])) for row in rows]

    def running(self) -> list[str]:
        """The jobs with something left to do, the oldest first."""
        rows = self._execute("SELECT id FROM jobs WHERE state = 'running' ORDER BY created")
        return [row[0] for row in rows]

    def begin(self, item: Item) -> None:
        """Note that an item is being worked on, before it is."""
        self._count_attempts(item, 1)

    def give_back(self, item: Item) -> None:
        """Take the note back of an item that was put off, through no fault of its own."""
        self._count_attempts(item, -1)

    def read(self, item: Item, kind: str) -> bytes:
        """An upload (`image`), its `mask`, or the answer (`json`).

        Raises `ItemError` where the upload could not be read when it came.
        """
        refused = self.folder / item.job / f"{item.number}.refused"
        if kind == "image" and refused.exists():
            raise ItemError(*json.loads(refused.read_bytes()))
        return (self.folder / item.job / f"{item.number}.{kind}").read_bytes()

    def read_box(self, item: Item) -> Box | None:
        """Where the object is, if the client said so."""
        path = self.folder / item.job / f"{item.number}.box"
        try:
            return tuple(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None

    def finish(self, item: Item, answer: bytes, error: tuple[str, str] | None) -> None:
        """Keep the answer of an item, drop its upload; the last one finishes the job."""
        folder = self.folder / item.job
        if not folder.is_dir():  # deleted meanwhile
            return
        files.write(folder / f"{item.number}.json", answer)
        state = "ok" if error is None else "error"
        with self._transaction() as database:
            database.execute(
                "UPDATE items SET state = ?, code = ?, message = ? WHERE job = ? AND number = ?",
                (state, *(error or (None, None)), item.job, item.number),
            )
            database.execute(
                "UPDATE jobs SET state = 'done', finished = ? WHERE id = ? AND state = 'running' "
                "AND NOT EXISTS (SELECT 1 FROM items WHERE job = ? AND state = 'waiting')",
                (self._clock(), item.job, item.job),
            )
        for kind in UPLOADS:
            (folder / f"{item.number}.{kind}").unlink(missing_ok=True)

    def cancel(self, identity: str) -> None:
        """Begin nothing more of a job; what is answered stays until its time is over."""
        update = "UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ? AND state = ?"
        self._execute(update, self._clock(), identity, "running")
        for kind in UPLOADS:
            for path in (self.folder / identity).glob(f"*.{kind}"):
                path.unlink(missing_ok=True)

    def delete(self, identity: str) -> None:
        """The job and its files."""
        self._execute("DELETE FROM jobs WHERE id = ?", identity)
        shutil.rmtree(self.folder / identity, ignore_errors=True)

    def expire(self, seconds: float) -> list[str]:
        """Delete the jobs that ended longer ago than that; their ids."""
        rows = self._execute("SELECT id FROM jobs WHERE finished <= ?", self._clock() - seconds)
        for row in rows:
            self.delete(row[0])
        return [row[0] for row in rows]

    def bytes_held(self) -> int:
        """Size of all files of all jobs."""
        total = 0
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):  # answered or deleted meanwhile
                total += path.stat().st_size
        return total

    def close(self) -> None:
        """Let another process take the folder."""
        with self._mutex:
            self._database.close()
        self._lock.close()

    def _count_attempts(self, item: Item, more: int) -> None:
        update = "UPDATE items SET attempts = attempts + ? WHERE job = ? AND number = ?"
        self._execute(update, more, item.job, item.number)

    def _execute(self, statement: str, *values: object) -> list[Any]:
        """The rows of one statement, in a transaction of its own."""
        with self._transaction() as database:
            return database.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex, self._database:
            yield self._database

    def _drop_strays(self) -> None:
        """Folders whose job never came to be, or is no more."""
        known = {row[0] for row in self._execute("SELECT id FROM jobs")}
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in known:
                shutil.rmtree(path, ignore_errors=True)
