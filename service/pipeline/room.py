"""Room in memory for photographs that are unpacked: a budget of pixels over all threads, and over
all processes of the server."""

import asyncio
import ctypes
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic_ns
from typing import NamedTuple

from service.errors import DeadlineExceeded
from service.siblings import Column, Siblings

ALWAYS = 1_000_000
"""Pixels of a photograph that never waits: as many threads as there are cores do no harm."""


LARGE_BLOCK = 4 << 20
"""Bytes from which a block of memory goes back to the system as soon as it is free."""
LOOK_SECONDS = 0.02
"""From one look whether another process has given room back to the next; it tells nobody."""
_M_MMAP_THRESHOLD = -3
"""Of glibc's malloc.h."""


def return_large_blocks() -> None:
    """Keep glibc from holding freed pictures back for each thread, as it begins to after the first.

    Other C libraries do not, and have nothing to set.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)


class Waiting(NamedTuple):
    """A photograph for which there is no room yet."""

    pixels: int


class _Turn(NamedTuple):
    """A photograph in the queue."""

    pixels: int
    loop: asyncio.AbstractEventLoop
    come: asyncio.Future[None]
    since: int
    """Nanoseconds of the monotonic clock, which all processes share."""


class Room:
    """So many pixels at a time, in the order they come. More than all of it is let in alone."""

    def __init__(self, pixels: int, siblings: Siblings | None = None) -> None:
        """`siblings`: the processes that share the pixels; None for one alone."""
        self._limit = pixels
        self._siblings = siblings or Siblings()
        self._lock = threading.Lock()
        self._queue: deque[_Turn] = deque()
        self._looking = False
        """Whether it will be looked again what other processes have given back."""

    @property
    def used(self) -> int:
        """Pixels that are being unpacked by this process."""
        return self._siblings.own(Column.PIXELS)

    @contextmanager
    def at_once(self, pixels: int) -> Iterator[bool]:
        """Whether there is room now, and nobody waits for it; on a thread."""
        with self._lock:
            granted = pixels <= ALWAYS
            if granted:
                self._siblings.set(Column.PIXELS, self.used + pixels)
            elif not self._queue and self._is_next(monotonic_ns()):
                granted = self._take(pixels)
        try:
            yield granted
        finally:
            if granted:
                self._give_back(pixels)

    @asynccontextmanager
    async def when_free(self, pixels: int, deadline: float | None = None) -> AsyncIterator[None]:
        """Room as soon as there is; on the event loop. Cancelled before, it takes none.

        `deadline`: seconds of the event loop's clock after which nobody needs it any more, and
        `DeadlineExceeded` is raised.
        """
        loop = asyncio.get_running_loop()
        turn = _Turn(pixels, loop, loop.create_future(), monotonic_ns())
        with self._lock:
            self._queue.append(turn)
            self._let_in()
            if self._queue and self._siblings.count > 1 and not self._looking:
                self._looking = True
                loop.call_later(LOOK_SECONDS, self._look_again, loop)
        try:
            await _by(deadline, turn.come)
            yield
        finally:
            self._leave(turn)

    def _leave(self, turn: _Turn) -> None:
        with self._lock:
            with suppress(ValueError):
                self._queue.remove(turn)
                self._let_in()
                return
        self._give_back(turn.pixels)

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._let_in()
            self._looking = bool(self._queue)
            if self._looking:
                loop.call_later(LOOK_SECONDS, self._look_again, loop)

    def _take(self, pixels: int) -> bool:
        return self._siblings.take(Column.PIXELS, pixels, max(pixels, self._limit))

    def _is_next(self, since: int) -> bool:
        """Whether no other process has a photograph that waits longer."""
        if self._siblings.total(Column.WAITING) == self._siblings.own(Column.WAITING):
            return True
        return all(not other or other >= since for other in self._siblings.others(Column.WAITING))

    def _give_back(self, pixels: int) -> None:
        with self._lock:
            self._siblings.set(Column.PIXELS, self.used - pixels)
            self._let_in()

    def _let_in(self) -> None:
        """Called with the lock held."""
        self._tell_waiting()
        while self._queue and self._is_next(self._queue[0].since):
            if not self._take(self._queue[0].pixels):
                break
            turn = self._queue.popleft()
            self._tell_waiting()
            with suppress(RuntimeError):  # the loop has ended, and with it who waited
                turn.loop.call_soon_threadsafe(_tell, turn.come)

    def _tell_waiting(self) -> None:
        since = self._queue[0].since if self._queue else 0
        self._siblings.set(Column.WAITING, since)


async def _by(deadline: float | None, turn: asyncio.Future[None]) -> None:
    try:
        async with asyncio.timeout_at(deadline):
            await turn
    except TimeoutError:
        raise DeadlineExceeded from None


def _tell(turn: asyncio.Future[None]) -> None:
    if not turn.done():  # cancelled meanwhile: whoever waited gives the room back
        turn.set_result(None)
