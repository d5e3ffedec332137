"""What the worker processes of one server know of each other: a table in memory that they share.

Each process writes its own row alone, and a bound of the service is kept on the sum over all rows:
what is taken is written first and then summed, so that two who take at once may both be refused,
but are never both let in.
"""

import atexit
import fcntl
import mmap
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

FOLDER = "INVERSE_GRAPHICS_SIBLINGS"
"""The environment variable by which the server tells its workers their number and, after a colon,
the folder of the table."""
NAME = "inverse-graphics-workers-"
STALE_SECONDS = 15.0
"""From one sign of life of a process to its being taken for stuck; it gives one a second."""
WORD = 8
"""Bytes of a number, which processors write whole."""


class Column(IntEnum):
    """What is known of each process."""

    PROCESS = 0
    """Its id; 0 before it came."""
    BEAT = 1
    """When it last gave a sign of life, nanoseconds of the monotonic clock."""
    READY = 2
    """1 where it takes requests."""
    IMAGES = 3
    """Accepted and not yet answered."""
    BYTES = 4
    """Of bodies and archives that are held."""
    PIXELS = 5
    """That are unpacked."""
    WAITING = 6
    """Since when a photograph waits for room, nanoseconds of the monotonic clock; 0: none does."""
    CALLS = 7
    """Of `/v1` that are being answered."""


class Siblings:
    """The table, seen from one of the processes. Alone it is a table of one row."""

    def __init__(
        self, count: int = 1, index: int = 0, folder: Path | None = None, rates: int = 0
    ) -> None:
        """The row `index` of `count` becomes this process's, and is emptied.

        `folder`: common to the processes, None for one that is alone. `rates`: pairs of numbers
        that all may write, under `locked`.

        Raises:
            OSError: the folder cannot be written.
        """
        self.count = count
        self.index = index
        words = len(Column) * count + 2 * rates
        self._alive: list[int] = []
        """Of each process a file that it has locked while it is alive."""
        self._lock: int | None = None
        memory = mmap.mmap(-1, words * WORD) if folder is None else self._open(folder, words * WORD)
        view = memoryview(memory)
        self._table = view[: len(Column) * count * WORD].cast("q")
        self._seen = [(0, 0)] * count
        """Of each process its last sign of life, and for how many looks it has been that."""
        self.rates = view[len(Column) * count * WORD :].cast("d")
        """Two numbers each, 0 at first."""
        self.replaced = self.own(Column.PROCESS)
        """The process that had this row before and ended; 0 where there was none."""
        for column in Column:
            self.set(column, 0)
        self.beat(ready=False)
        self.set(Column.PROCESS, os.getpid())

    def _open(self, folder: Path, size: int) -> mmap.mmap:
        names = ("table", *(f"alive-{number}" for number in range(self.count)))
        opened = [os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600) for name in names]
        weakref.finalize(self, _close, opened)
        self._lock, self._alive = opened[0], opened[1:]
        # Now, as a disk that is full later would end whoever writes.
        os.posix_fallocate(self._lock, 0, size)
        # Given back by the system, however the process ends.
        fcntl.flock(self._alive[self.index], fcntl.LOCK_EX)
        return mmap.mmap(self._lock, size)

    def own(self, column: Column) -> int:
        """This process's number."""
        return self._table[column * self.count + self.index]

    def set(self, column: Column, value: int) -> None:
        """Write this process's number; one thread at a time."""
        self._table[column * self.count + self.index] = value

    def total(self, column: Column) -> int:
        """The sum over all processes, those included that ended and were not replaced yet."""
        start = column * self.count
        return sum(self._table[start : start + self.count])

    def take(self, column: Column, amount: int, limit: int) -> bool:
        """Add to this process's number, unless that takes the sum above `limit`.

        By one thread at a time.
        """
        own = self.own(column)
        self.set(column, own + amount)
        if self.fits(column, 0, limit):
            return True
        self.set(column, own)
        return False

    def fits(self, column: Column, amount: int, limit: int) -> bool:
        """Whether the sum would be `limit` at most; of processes that ended nothing is counted."""
        # To ask who has ended takes longer, and hardly ever matters.
        most = limit - amount
        return self.total(column) <= most or self.total_alive(column) <= most

    def total_alive(self, column: Column) -> int:
        """The sum over the processes that have not ended."""
        start = column * self.count
        return sum(self._table[start + row] for row in range(self.count) if self.is_alive(row))

    def others(self, column: Column) -> Iterator[int]:
        """The numbers of the other processes that have not ended."""
        for row in range(self.count):
            if row != self.index and self.is_alive(row):
                yield self._table[column * self.count + row]

    def is_alive(self, row: int) -> bool:
        """Whether there is a process of this row, this one included."""
        if row == self.index:
            return True
        file = self._alive[row]
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(file, fcntl.LOCK_UN)
        return False

    def beat(self, ready: bool) -> None:
        """Give a sign of life, and say whether this process takes requests."""
        self.set(Column.BEAT, time.monotonic_ns())
        self.set(Column.READY, int(ready))

    def others_ready(self) -> bool:
        """Whether all other processes are there, give signs of life and take requests."""
        now = time.monotonic_ns()
        ready = self._table[Column.READY * self.count :]
        beats = self._table[Column.BEAT * self.count :]
        return all(
            ready[row] and now - beats[row] < STALE_SECONDS * 1e9 and self.is_alive(row)
            for row in range(self.count)
            if row != self.index
        )

    def stuck(self, looks: int) -> list[int]:
        """Other processes that took requests and have given no sign of life for so many calls.

        Calls are counted, not seconds: all processes may have been stopped for a while.
        """
        found = []
        for row, (before, times) in enumerate(self._seen):
            beat = self._table[Column.BEAT * self.count + row]
            times = times + 1 if beat == before else 0
            self._seen[row] = (beat, times)
            took_requests = self._table[Column.READY * self.count + row]
            if row != self.index and times >= looks and took_requests and self.is_alive(row):
                found.append(self._table[Column.PROCESS * self.count + row])
        return found

    def overburdened(self) -> bool:
        """Whether another process answers fewer calls, by two or more, than this one.

        A client that connects anew then gets that one, or one like it.
        """
        if self.count == 1:
            return False
        start = Column.CALLS * self.count
        calls = self._table[start : start + self.count]
        return calls[self.index] - min(calls) >= 2

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among the processes, for some microseconds; for `rates`."""
        if self._lock is None:
            yield
            return
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)


def prepare(count: int) -> None:
    """Make the folder for so many processes that are about to be started, until this one ends."""
    # One that another server left to this process is not theirs.
    os.environ.pop(FOLDER, None)
    if count > 1:
        folder = tempfile.mkdtemp(prefix=NAME)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[FOLDER] = f"{count}:{folder}"


def join(number: int, rates: int) -> Siblings:
    """The table of the server that started this process; where none did, it is alone.

    `number`: BentoML's of the process, from 1. `rates`: as `Siblings` takes it.
    """
    count, _, folder = os.environ.get(FOLDER, "").partition(":")
    if not folder:
        return Siblings(rates=rates)
    return Siblings(int(count), (number - 1) % int(count), Path(folder), rates)
