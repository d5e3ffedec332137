"""Room in memory for photographs that are unpacked: a budget of pixels over all threads."""

import asyncio
import ctypes
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import NamedTuple

from service.errors import DeadlineExceeded

ALWAYS = 1_000_000
"""Pixels of a photograph that never waits: as many threads as there are cores do no harm."""


LARGE_BLOCK = 4 << 20
"""Bytes from which a block of memory goes back to the system as soon as it is free."""
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


class Room:
    """So many pixels at a time, in the order they come. More than all of it is let in alone."""

    def __init__(self, pixels: int) -> None:
        self._limit = pixels
        self._used = 0
        self._lock = threading.Lock()
        self._queue: deque[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    @property
    def used(self) -> int:
        """Pixels that are being unpacked."""
        return self._used

    @contextmanager
    def at_once(self, pixels: int) -> Iterator[bool]:
        """Whether there is room now, and nobody waits for it; on a thread."""
        with self._lock:
            granted = pixels <= ALWAYS or (not self._queue and self._fits(pixels))
            self._used += pixels if granted else 0
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
        turn = loop.create_future()
        with self._lock:
            self._queue.append((pixels, loop, turn))
            self._let_in()
        try:
            await _by(deadline, turn)
            yield
        finally:
            self._leave(pixels, loop, turn)

    def _leave(
        self, pixels: int, loop: asyncio.AbstractEventLoop, turn: asyncio.Future[None]
    ) -> None:
        with self._lock:
            with suppress(ValueError):
                self._queue.remove((pixels, loop, turn))
                self._let_in()
                return
        self._give_back(pixels)

    def _fits(self, pixels: int) -> bool:
        return not self._used or self._used + pixels <= self._limit

    def _give_back(self, pixels: int) -> None:
        with self._lock:
            self._used -= pixels
            self._let_in()

    def _let_in(self) -> None:
        """Called with the lock held."""
        while self._queue and self._fits(self._queue[0][0]):
            pixels, loop, turn = self._queue.popleft()
            self._used += pixels
            with suppress(RuntimeError):  # the loop has ended, and with it who waited
                loop.call_soon_threadsafe(_tell, turn)


async def _by(deadline: float | None, turn: asyncio.Future[None]) -> None:
    try:
        async with asyncio.timeout_at(deadline):
            await turn
    except TimeoutError:
        raise DeadlineExceeded from None


def _tell(turn: asyncio.Future[None]) -> None:
    if not turn.done():  # cancelled meanwhile: whoever waited gives the room back
        turn.set_result(None)
