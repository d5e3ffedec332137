"""Adaptive batching: whatever waits runs as soon as the device is idle, up to the largest batch.

No timer: an image on an idle service starts at once, and while a batch runs the next one gathers,
so batches grow with the load by themselves. Requests take turns within a batch, so that a large
one does not starve single images; an item whose client has gone leaves the queue at once.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from time import perf_counter
from typing import Generic, TypeVar

from service import metrics
from service.errors import DeadlineExceeded, Overloaded, ShuttingDown
from service.model.fair_queue import FairQueue, Waiting
from service.threads import Threads

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

Item = TypeVar("Item")
Result = TypeVar("Result")


class Device(Threads):
    """The one thread of a GPU, or of all the cores. It runs one batch at a time."""

    def __init__(self) -> None:
        super().__init__(1, "device")
        self.idle = asyncio.Lock()
        """Held while `call` runs a batch."""


class Batcher(Generic[Item, Result]):
    """Gathers items of any number of requests into batches; each item has its own outcome."""

    def __init__(
        self,
        name: str,
        run_batch: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        device: Device,
        largest_batch: int,
        queue_limit: int,
    ) -> None:
        """`run_batch` is called off the event loop, never with more than `largest_batch` items.

        It gives one result, or one exception, per item, in order.
        """
        self.name = name
        # There from the start, at 0: an alert sees the first failure too.
        metrics.BATCH_FAILURES.labels(name)
        self._run_batch = run_batch
        self._device = device
        self._largest_batch = largest_batch
        self._queue_limit = queue_limit
        self._queue: FairQueue[Item] = FairQueue()
        self._queue_wait = metrics.QUEUE_WAIT.labels(name)
        self._batch_size = metrics.BATCH_SIZE.labels(name)
        self._pump: asyncio.Task | None = None
        self._closed = False
        self._seconds_per_item = 0.05

    async def submit(
        self, item: Item, request: Hashable | None = None, deadline: float | None = None
    ) -> Result:
        """The result of one item; raises its own error or a `RequestError`.

        `request`: whose turn it takes; None for a request of its own. `deadline`: seconds of the
        event loop's clock after which `DeadlineExceeded` is raised.
        """
        if self._closed:
            raise ShuttingDown
        if len(self._queue) >= self._queue_limit:
            raise Overloaded(len(self._queue), self._queue_limit, self.retry_after_seconds())
        loop = asyncio.get_running_loop()
        outcome = loop.create_future()
        waiting = Waiting(item, object() if request is None else request, outcome, perf_counter())
        self._queue.put(waiting)
        if self._pump is None:
            self._pump = asyncio.create_task(self._run_while_queued())
        expiry = None if deadline is None else loop.call_at(deadline, _expire, outcome)
        try:
            return await outcome
        except (asyncio.CancelledError, DeadlineExceeded):
            self._queue.drop(waiting)
            raise
        finally:
            if expiry is not None:
                expiry.cancel()

    def retry_after_seconds(self, items: int | None = None) -> int:
        """Whole seconds after which `items` (default: the queue) will have been worked off."""
        waiting = len(self._queue) if items is None else items
        return max(1, min(60, round(waiting * self._seconds_per_item)))

    async def close(self) -> None:
        """Take nothing more, run what is queued, return when all of it is answered."""
        self._closed = True
        while self._pump is not None:
            await asyncio.shield(self._pump)

    async def _run_while_queued(self) -> None:
        try:
            while self._queue:
                async with self._device.idle:
                    if batch := self._queue.take(self._largest_batch):
                        await self._answer(batch)
        finally:
            self._pump = None

    async def _answer(self, batch: list[Waiting[Item]]) -> None:
        start = perf_counter()
        for waiting in batch:
            self._queue_wait.observe(start - waiting.since)
        self._batch_size.observe(len(batch))
        reason = "full" if len(batch) == self._largest_batch else "idle"
        metrics.DISPATCHES.labels(self.name, reason).inc()
        outcomes = await self._outcomes([waiting.item for waiting in batch])
        seconds_per_item = (perf_counter() - start) / len(batch)
        self._seconds_per_item += 0.2 * (seconds_per_item - self._seconds_per_item)
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.outcome.done():  # its client has gone away meanwhile
                continue
            if isinstance(outcome, Exception):
                waiting.outcome.set_exception(outcome)
            else:
                waiting.outcome.set_result(outcome)

    async def _outcomes(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        try:
            results = await self._device.call(self._run_batch, items)
            if len(results) != len(items):
                counts = f"{len(results)} results for {len(items)} items"
                raise RuntimeError(f"{self.name} gave {counts}")
        except Exception as error:
            if len(items) == 1:
                logger.exception("%s failed on one item", self.name)
                return [error]
            # Whichever item is to blame, the others must not pay for it.
            logger.warning("%s failed on %d items (%s): one by one", self.name, len(items), error)
            metrics.BATCH_FAILURES.labels(self.name).inc()
            metrics.DISPATCHES.labels(self.name, "alone").inc(len(items))
            return [(await self._outcomes([item]))[0] for item in items]
        return results


def _expire(outcome: asyncio.Future) -> None:
    if not outcome.done():
        outcome.set_exception(DeadlineExceeded())
