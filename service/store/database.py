"""What the store asks of a database, whichever it is."""

import abc
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Statements(Protocol):
    """Runs statements in one transaction. Values stand where a statement has `?`."""

    def execute(self, statement: str, *values: object) -> list[Any]:
        """The rows of one that has some."""
        ...

    def change(self, statement: str, *values: object) -> int:
        """The number of rows that one changed."""
        ...

    def insert(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one for each row of values."""
        ...


class Database(abc.ABC):
    """Safe to use from several threads, and by several processes at once.

    Its methods raise `OSError` where the disk is full or the database fails; what was begun is
    undone then.
    """

    now: str
    """Seconds since 1970 by the database's clock, as SQL."""
    locking: str = ""
    """After a SELECT, so that nobody else changes its rows before the transaction ends."""
    skipping: str = ""
    """As `locking`, without those that somebody else has."""

    @abc.abstractmethod
    def transaction(self) -> AbstractContextManager[Statements]:
        """All statements inside or none; they are on the disk when this ends. Never nested."""

    @abc.abstractmethod
    def reading(self) -> AbstractContextManager[Statements]:
        """Statements that see the database as it is at one moment."""

    def tidy(self) -> None:
        """Do what would delay a transaction later on; called every few seconds."""
        return

    @abc.abstractmethod
    def close(self) -> None:
        """Wait for what other threads began, and end."""

    def execute(self, statement: str, *values: object) -> list[Any]:
        """The rows of one statement that changes nothing."""
        with self.reading() as statements:
            return statements.execute(statement, *values)

    def change(self, statement: str, *values: object) -> int:
        """The number of rows that one statement changed, in a transaction of its own."""
        with self.transaction() as statements:
            return statements.change(statement, *values)

    def clock(self) -> float:
        """Seconds since 1970, the same for all who share the database."""
        return float(self.execute(f"SELECT {self.now}")[0][0])

    @abc.abstractmethod
    def alone(self, name: str) -> AbstractContextManager[Statements]:
        """A transaction that waits for any other one under this name."""
