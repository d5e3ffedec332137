"""The embedded database: SQLite, for all processes of one machine."""

import errno
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from service.store.database import Database, Statements
from service.store.schema import TABLES, WITHOUT_ROWID

BUSY_SECONDS = 10.0
"""For which a transaction waits until those of other processes have ended."""
LOG_PAGES = 4000
"""Of 4 KiB, in the log of what changed: a transaction that makes it longer carries it over to the
database, and waits for the disk twice more. `tidy` mostly is there before.
"""
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


class SQLite(Database):
    """One connection for all threads of this process."""

    # One machine has one clock. `unixepoch('subsec')` would need SQLite 3.42.
    now = "((julianday('now') - 2440587.5) * 86400.0)"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = RLock()
        with self._disk_errors():
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
                self._make_tables()
            except BaseException:
                self._connection.close()
                raise

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        """All statements inside or none; they are on the disk when this ends."""
        # At once that of a writer: to become one later fails where another one was quicker.
        yield from self._inside("BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """Statements that see the database as it is at one moment."""
        yield from self._inside("BEGIN")

    def alone(self, name: str) -> AbstractContextManager[Statements]:
        """Any transaction waits for all others."""
        return self.transaction()

    def clock(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def tidy(self) -> None:
        """Carry the log over to the database, on a connection that no transaction waits for."""
        there = f"{self._path.absolute().as_uri()}?mode=rw"  # never made anew
        with self._disk_errors(), closing(sqlite3.connect(there, 0, uri=True)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Wait for what other threads began, and end."""
        with self._mutex:
            self._connection.close()

    def _inside(self, begin: str) -> Iterator[Statements]:
        with self._disk_errors(), self._mutex:
            self._connection.execute(begin)
            try:
                yield _Statements(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have ended it already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _make_tables(self) -> None:
        known = "SELECT 1 FROM sqlite_master WHERE name = 'members'"  # the last one
        if self._connection.execute(known).fetchone():
            return  # nothing is written where nothing has to be
        with self.transaction() as statements:
            for table in TABLES:
                kept_so = any(f"EXISTS {name} (" in table for name in WITHOUT_ROWID)
                statements.change(table + (" WITHOUT ROWID" if kept_so else ""))

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        """Those of the disk as `OSError`, as files have them."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            # Python's own, as where it is closed, have no code.
            number = ERRNOS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            if number is None:
                raise
            raise OSError(number, f"{os.strerror(number)}: {self._path.name}: {error}") from error


class _Statements:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: object) -> list[Any]:
        return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, *values: object) -> int:
        return self._connection.execute(statement, values).rowcount

    def insert(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        self._connection.executemany(statement, rows)
