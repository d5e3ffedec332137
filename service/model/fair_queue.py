"""The queue of a batcher: one line per request, and batches take one item of each line in turn."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Waiting(Generic[Item]):
    """An item in the queue."""

    item: Item
    request: Hashable
    """Items of one request stand in one line."""
    outcome: asyncio.Future
    since: float
    """`perf_counter` seconds."""


class FairQueue(Generic[Item]):
    """Round robin over requests (Nagle, RFC 970): a long line does not hold up the short ones."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Hashable, deque[Waiting[Item]]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, waiting: Waiting[Item]) -> None:
        """At the end of its request's line; a new line comes last in the round."""
        self._lines.setdefault(waiting.request, deque()).append(waiting)
        self._length += 1

    def take(self, most: int) -> list[Waiting[Item]]:
        """Up to `most` items, one of each line per turn; within a line the order is kept."""
        taken: list[Waiting[Item]] = []
        while self._lines and len(taken) < most:
            request, line = self._lines.popitem(last=False)
            taken.append(line.popleft())
            if line:
                self._lines[request] = line
        self._length -= len(taken)
        return taken

    def drop(self, waiting: Waiting[Item]) -> None:
        """Remove an item whose client has gone; nothing happens once it was taken."""
        line = self._lines.get(waiting.request)
        if line is None or waiting not in line:
            return
        line.remove(waiting)
        self._length -= 1
        if not line:
            del self._lines[waiting.request]
