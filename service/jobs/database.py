"""The database of the jobs: SQLite, in a folder that one process holds."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

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
CREATE TABLE IF NOT EXISTS uploads (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    part INTEGER NOT NULL,
    start INTEGER NOT NULL,
    image_bytes INTEGER NOT NULL,
    mask_bytes INTEGER,
    box TEXT,
    code TEXT,
    message TEXT,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sizes (
    job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    bytes INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS keys_by_job ON keys (job);
"""
"""`uploads` has what is not answered yet, `sizes` the bytes of a job's files, `keys` the POSTs that
may be repeated. Those three came after 0.1.0."""
ERRNOS = {
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_CORRUPT: errno.EIO,
    sqlite3.SQLITE_NOTADB: errno.EIO,
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EIO,
    sqlite3.SQLITE_READONLY: errno.EROFS,
}
"""SQLite's errors that are the disk's, or of what lies there."""


class Database:
    """One connection; safe to use from several threads.

    Its methods raise `OSError` where the disk is full or fails.
    """

    def __init__(self, path: Path) -> None:
        self._mutex = RLock()
        with _disk_errors():
            self._connection = sqlite3.connect(path, check_same_thread=False)
            try:
                # Nobody else has it open. SQLite then needs no shared memory in the folder, which
                # could not grow on a full disk.
                self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._connection.executescript(SCHEMA)
            except BaseException:
                self._connection.close()  # it would keep out the next try
                raise

    def execute(self, statement: str, *values: object) -> list[Any]:
        """The rows of one statement, in a transaction of its own."""
        with self.transaction() as connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All statements inside or none; they are on the disk when this ends."""
        with _disk_errors(), self._mutex, self._connection:
            yield self._connection

    def close(self) -> None:
        """Wait for what other threads began, and end."""
        with self._mutex:
            self._connection.close()


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Those of the disk as `OSError`, as files have them."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        # Python's own, as where it is closed, have no code.
        number = ERRNOS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if number is None:
            raise
        raise OSError(number, f"jobs.sqlite3: {error}") from error
