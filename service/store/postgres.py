"""The shared database: PostgreSQL, for replicas on any number of machines."""

# The extra `shared` brings psycopg.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

import errno
import functools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import psycopg_pool

from service.errors import StoreFailed
from service.store.database import Database, Statements
from service.store.schema import TABLES

CONNECTIONS = 8
"""Of one process, at most."""
WAIT_SECONDS = 10.0
"""For a connection; a database that does not answer in time is one that failed."""
TIMEOUTS = "-c lock_timeout=10s -c statement_timeout=30s"
"""A replica that stands still in a transaction must not stop all others."""
IDLE_SECONDS = 60


class PostgreSQL(Database):
    """A pool of connections; a server that was restarted is connected to again."""

    now = "extract(epoch from clock_timestamp())::double precision"
    locking = " FOR UPDATE"
    skipping = " FOR UPDATE SKIP LOCKED"

    def __init__(self, address: str) -> None:
        """`address`: `postgresql://…`. Raises `StoreFailed` where it does not answer."""
        self._pool = psycopg_pool.ConnectionPool(
            address,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=WAIT_SECONDS,
            check=psycopg_pool.ConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "application_name": "inverse-graphics",
                "connect_timeout": int(WAIT_SECONDS),
                "options": f"{TIMEOUTS} -c idle_in_transaction_session_timeout={IDLE_SECONDS}s",
            },
            open=False,
        )
        try:
            with _failures():
                self._pool.open(wait=True, timeout=WAIT_SECONDS)
            with self.alone("schema") as statements:
                for made in TABLES:
                    # What is there is not asked for: even `IF NOT EXISTS` waits for those who write
                    # to its table, and they may wait for this.
                    name = made.split("EXISTS", 1)[1].split()[0]
                    if statements.execute("SELECT to_regclass(?)", name) == [(None,)]:
                        statements.change(made)
        except BaseException:
            self._pool.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        """All statements inside or none; they are on the disk when this ends."""
        with _failures(), self._pool.connection() as connection, connection.transaction():
            yield _Statements(connection)

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """Statements that see the database as it is at one moment."""
        with self.transaction() as statements:
            statements.change("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield statements

    def execute(self, statement: str, *values: object) -> list[Any]:
        """The rows of one statement, which sees one moment by itself."""
        with _failures(), self._pool.connection() as connection:
            return _Statements(connection).execute(statement, *values)

    @contextmanager
    def alone(self, name: str) -> Iterator[Statements]:
        """A transaction that waits for any other one under this name."""
        with self.transaction() as statements:
            statements.execute("SELECT pg_advisory_xact_lock(hashtext(?))", name)
            yield statements

    def close(self) -> None:
        """Wait for what other threads began, and end."""
        self._pool.close()


class _Statements:
    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, *values: object) -> list[Any]:
        return self._connection.execute(_marked(statement), list(map(_plain, values))).fetchall()

    def change(self, statement: str, *values: object) -> int:
        return self._connection.execute(_marked(statement), list(map(_plain, values))).rowcount

    def insert(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_marked(statement), [list(map(_plain, row)) for row in rows])


@functools.cache
def _marked(statement: str) -> bytes:
    """With the marks of this database for values; no text in a statement has one."""
    return statement.replace("?", "%s").encode()


def _plain(value: object) -> object:
    """Texts cannot hold NUL here, which names of files from clients may."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


@contextmanager
def _failures() -> Iterator[None]:
    """Those of the server and of the way there as `OSError`, as files have them."""
    try:
        yield
    except psycopg.errors.DiskFull as error:
        raise OSError(errno.ENOSPC, f"PostgreSQL: {error}") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise StoreFailed(f"PostgreSQL: {error}") from error
