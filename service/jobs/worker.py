"""Works off the jobs in the store, beside the requests that somebody waits for."""

import asyncio
import contextlib
import functools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from service.call import JOB, inside
from service.errors import (
    INTERNAL_ERROR,
    NotWorking,
    Overloaded,
    RequestError,
    ShuttingDown,
    StoreFailed,
)  # fmt: skip
from service.jobs.room import JobsFull
from service.jobs.rows import Item, Job, Key
from service.jobs.store import JobStore
from service.jobs.turns import Turns
from service.pipeline import items
from service.pipeline.engine import Engine
from service.pipeline.items import Answered
from service.pipeline.objects import Group
from service.schemas.objects import ItemOptions
from service.schemas.options import ImageOptions
from service.schemas.photographs import Problem, Upload
from service.threads import to_its_end

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

MOST_ATTEMPTS = 3
"""An item that was begun so often and never finished took the process down each time."""
TIDY_SECONDS = 10.0
"""Pause between two looks for jobs whose time is over, and for what dead processes had taken."""
LOOK_SECONDS = 1.0
"""Pause between two looks for jobs that other processes were sent."""
AGAIN_SECONDS = 5.0
"""Pause before what could not be read or written is tried again."""


class Jobs:
    """Begins as many images as fill two batches, taken from the running jobs in equal shares."""

    def __init__(self, engine: Engine, store: JobStore) -> None:
        self.store = store
        self._engine = engine
        self._room = 2 * engine.settings.largest_batch
        self.keep_seconds = engine.settings.job_keep_seconds
        """From the end of a job to its deletion."""
        self._begun: Counter[tuple[str, int]] = Counter()
        """Images of the items that are worked on."""
        self._turns = Turns(store)
        self._stuck: set[asyncio.Task | None] = set()
        """Tasks whose writing failed, and which try again: meanwhile nothing is begun."""
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._worker: asyncio.Task | None = None

    def start(self) -> None:
        """Take up what an earlier process left; called on the event loop."""
        self._worker = asyncio.create_task(self._work())

    async def create(
        self, options: ImageOptions, images: Iterable[Upload], key: Key | None = None
    ) -> Job:
        """Accept a job, all or nothing.

        Cancelled meanwhile, as by a client that leaves, there is no job: nobody would have its id.
        With a key there is one, for the POST that is sent again. `images` are of no use before this
        ends, however it does.

        Raises:
            RequestError: what `JobStore.create` raises; 503 while the service stops.
            OSError: the disk is full, or fails.
        """
        if self._closing.is_set():
            raise ShuttingDown
        values = options.model_dump(include=set(ItemOptions.model_fields))
        given_up = threading.Event()
        made: list[Job] = []

        def make() -> None:
            identity = self.store.create(values, images, key, given_up.is_set)
            if (job := self.store.job(identity)) is not None:
                made.append(job)

        try:
            await to_its_end(make, given_up.set if key is None else lambda: None)
        except asyncio.CancelledError:
            if key is None and made:
                await asyncio.to_thread(self.store.delete, made[0].id)
            raise
        finally:
            self._wake.set()
        if not made:
            message = "the job of this Idempotency-Key is being deleted: send again"
            raise RequestError(409, "job_deleted", message)
        return made[0]

    def eta_seconds(self, job: Job) -> float | None:
        """At the speed since any process began with it; None before its first item."""
        waiting = job.counts.get("waiting", 0)
        answered = sum(job.counts.values()) - waiting - job.answered_before
        if job.seconds is None or answered <= 0 or not waiting:
            return None
        return round(waiting * max(0.0, job.seconds) / answered, 1)

    async def close(self) -> None:
        """Begin nothing more, finish what is begun; the rest is for the next process."""
        self._closing.set()
        self._wake.set()
        if self._worker is not None:
            await self._worker
        self.store.close()

    async def _work(self) -> None:
        flying: set[asyncio.Task] = set()
        tidied = -TIDY_SECONDS
        while not self._closing.is_set():
            if time.monotonic() - tidied >= TIDY_SECONDS:
                tidied = time.monotonic()
                await self._guarded(self.store.expire, self.keep_seconds)
                await self._guarded(self.store.keep_only, set(self._begun))
            self._wake.clear()
            # What cannot be written is tried again where nothing else waits for it.
            others_stuck = self._stuck - {self._worker}
            room = 0 if others_stuck else self._room - self._begun.total()
            for item, options in await self._begin(room) if room > 0 else ():
                self._begun[item.job, item.number] = item.images
                flying.add(asyncio.create_task(self._one(item, options)))
            waiting = asyncio.create_task(self._wake.wait())
            await asyncio.wait(
                {waiting, *flying},
                timeout=AGAIN_SECONDS if self._stuck else LOOK_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            waiting.cancel()
            flying = {task for task in flying if not task.done()}
        await asyncio.gather(*flying)

    async def _begin(self, room: int) -> list[tuple[Item, ItemOptions]]:
        """Take items of so many images, or say that it cannot be written down."""
        try:
            taken = await asyncio.to_thread(self._take, room, self._begun.copy())
        except OSError as error:
            self._pause(self._worker, error)
            return []
        except Exception:
            logger.exception("no item of a job could be begun")
            return []
        self._go_on(self._worker)
        return taken

    async def _guarded(self, function: Callable[..., Any], *arguments: object) -> Any:
        """A full disk or the like must not end the worker: it is logged and tried again later."""
        try:
            return await asyncio.to_thread(function, *arguments)
        except Exception:
            logger.exception("%s failed", function)
            return None

    def _take(self, room: int, begun: Counter[tuple[str, int]]) -> list[tuple[Item, ItemOptions]]:
        """Items with their options; where another process was quicker it is tried again."""
        while wanted := self._turns.choose(room, begun):
            if taken := self.store.take(wanted):
                jobs = {job: self.store.job(job) for job in wanted}
                options = {name: ItemOptions(**job.options) for name, job in jobs.items() if job}
                # A job that is deleted meanwhile took its claims with it.
                return [(item, options[item.job]) for item in taken if item.job in options]
        return []

    async def _one(self, item: Item, options: ItemOptions) -> None:
        """One item to its answer in the store; never raises."""
        try:
            if problem := self._not_begun(item):
                answered = await self._failed(item, problem, options)
            else:
                answered = await self._answer(item, options)
            await self._keep(item, answered, options)
        except FileNotFoundError:
            # Cancelled meanwhile, or somebody else took its files.
            await self._guarded(self.store.settle, item.job)
        except ShuttingDown:
            with contextlib.suppress(OSError):  # it then counts as begun once more
                await asyncio.to_thread(self.store.give_back, item)
        except Exception:
            # Begun so often in vain it becomes an error of its own.
            logger.exception("item %d of job %s was not finished", item.number, item.job)
            await asyncio.sleep(AGAIN_SECONDS)
            await self._guarded(functools.partial(self.store.give_back, item, counts=True))
        finally:
            del self._begun[item.job, item.number]

    def _not_begun(self, item: Item) -> Problem | None:
        """Why an item is not worked on."""
        if item.attempts > MOST_ATTEMPTS:
            message = (
                f"this {'object' if item.members else 'image'} was begun {MOST_ATTEMPTS} times and "
                "never finished, as where the service ends over it: leave it out"
            )
            return Problem(code="crashed", message=message)
        return items.too_many(item.name, item.images, self._engine.settings.largest_request)

    async def _keep(
        self, item: Item, answered: Answered, options: ItemOptions, beyond_limit: bool = False
    ) -> None:
        problem = answered.error and (answered.error.code, answered.error.message)
        content = answered.to_lines()
        try:
            await self._lasting(self.store.finish, item, content, problem, beyond_limit)
        except JobsFull as error:
            full = Problem(code=error.code, message="jobs hold no more results: delete some")
            answered = await self._failed(item, full, options)
            await self._keep(item, answered, options, beyond_limit=True)

    async def _failed(self, item: Item, problem: Problem, options: ItemOptions) -> Answered:
        members = await self._lasting(self.store.members, item)
        return items.failed(item.number, item.name, members, problem, options)

    async def _lasting(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Call until the store can do it; raises `ShuttingDown` where there is no more time."""
        task = asyncio.current_task()
        try:
            while True:
                try:
                    return await asyncio.to_thread(function, *arguments)
                except FileNotFoundError:
                    raise
                except OSError as error:
                    self._pause(task, error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), AGAIN_SECONDS)
                    raise ShuttingDown
        finally:
            self._go_on(task)

    def _go_on(self, task: asyncio.Task | None) -> None:
        """Begin again once all who could not write can."""
        if task in self._stuck:
            self._stuck.discard(task)
            if not self._stuck and not self._closing.is_set():
                logger.info("jobs go on")
                self._wake.set()

    def _pause(self, task: asyncio.Task | None, error: OSError) -> None:
        """Begin nothing more; said once, however many cannot write."""
        if not self._stuck:
            logger.warning("jobs wait until they can write to %s: %s", self.store.store.name, error)
        self._stuck.add(task)

    async def _answer(self, item: Item, options: ItemOptions) -> Answered:
        group = Group(item.number, item.name, await self._uploads(item))
        while True:
            try:
                with self._engine.admit(item.images), inside(JOB, item.job):
                    answered = await items.answer(self._engine, group, options)
                codes = answered.codes()
                # Those say nothing about the images: it is done again.
                broken = INTERNAL_ERROR in codes and self._engine.broken_seconds() > 0
                if not codes & {"overloaded", "shutting_down"} and not broken:
                    return answered
            except (Overloaded, NotWorking) as error:
                # Those whom somebody waits for go first.
                await asyncio.sleep(min(1.0, error.retry_after_seconds or 1))
            if self._closing.is_set():
                raise ShuttingDown

    async def _uploads(self, item: Item) -> list[tuple[int, Upload]]:
        """What came. A store that does not answer says nothing about the item, a bad disk may."""
        try:
            return await asyncio.to_thread(self.store.uploads, item)
        except StoreFailed:
            return await self._lasting(self.store.uploads, item)
