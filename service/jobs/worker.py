"""Works off the jobs in the store, beside the requests that somebody waits for."""

import asyncio
import contextlib
import heapq
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from service.call import JOB, inside
from service.errors import INTERNAL_ERROR, NotWorking, Overloaded, RequestError, ShuttingDown
from service.jobs.room import JobsFull
from service.jobs.rows import Item, Job, Key
from service.jobs.store import JobStore
from service.pipeline import reconstruction
from service.pipeline.engine import Engine
from service.schemas import photographs as schemas
from service.schemas.options import ImageOptions
from service.schemas.photographs import Upload
from service.threads import to_its_end

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

MOST_ATTEMPTS = 3
"""An image that was begun so often and never finished took the process down each time."""
LOOK_SECONDS = 30.0
"""Pause between two looks for jobs whose time is over."""
AGAIN_SECONDS = 5.0
"""Pause before what could not be read or written is tried again."""


class _Pace(NamedTuple):
    """How a job comes on in this process; times of `time.monotonic`."""

    since: float
    """When its first image was begun."""
    last: float
    """When one was begun last."""
    finished: int
    """Images."""


class Jobs:
    """Begins as many images as fill two batches, taken from the running jobs in equal shares."""

    def __init__(self, engine: Engine, store: JobStore) -> None:
        self.store = store
        self._engine = engine
        self._room = 2 * engine.settings.largest_batch
        self.keep_seconds = engine.settings.job_keep_seconds
        """From the end of a job to its deletion."""
        self._begun: set[tuple[str, int]] = set()
        self._pace: dict[str, _Pace] = {}
        self._stuck: set[asyncio.Task | None] = set()
        """Tasks whose writing failed, and which try again: meanwhile nothing is begun."""
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._worker: asyncio.Task | None = None

    def start(self) -> None:
        """Take up what an earlier process left; called on the event loop."""
        self._worker = asyncio.create_task(self._work())

    async def create(
        self, options: ImageOptions, items: Iterable[Upload], key: Key | None = None
    ) -> Job:
        """Accept a job, all or nothing.

        Cancelled meanwhile, as by a client that leaves, there is no job: nobody would have its id.
        With a key there is one, for the POST that is sent again. `items` are of no use before this
        ends, however it does.

        Raises:
            RequestError: what `JobStore.create` raises; 503 while the service stops.
            OSError: the disk is full, or fails.
        """
        if self._closing.is_set():
            raise ShuttingDown
        values = options.model_dump(include=set(ImageOptions.model_fields))
        given_up = threading.Event()
        made: list[Job] = []

        def make() -> None:
            identity = self.store.create(values, items, key, given_up.is_set)
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

    def eta_seconds(self, job: str, waiting: int) -> float | None:
        """At the speed since this process began with the job; None before its first image."""
        pace = self._pace.get(job)
        if pace is None or not pace.finished or not waiting:
            return None
        return round(waiting * (time.monotonic() - pace.since) / pace.finished, 1)

    async def close(self) -> None:
        """Begin nothing more, finish what is begun; the rest is for the next process."""
        self._closing.set()
        self._wake.set()
        if self._worker is not None:
            await self._worker
        self.store.close()

    async def _work(self) -> None:
        flying: set[asyncio.Task] = set()
        looked = -LOOK_SECONDS
        while not self._closing.is_set():
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                await self._guarded(self.store.expire, self.keep_seconds)
                running = await self._guarded(self.store.running)
                for ended in set(self._pace) - set(self._pace if running is None else running):
                    del self._pace[ended]
            self._wake.clear()
            room = 0 if self._stuck else self._room - len(flying)
            found = await self._guarded(self._next_items, room, set(self._begun)) if room else None
            for item, options in found or []:
                self._begun.add((item.job, item.number))
                now = time.monotonic()
                pace = self._pace.get(item.job, _Pace(now, now, 0))
                self._pace[item.job] = pace._replace(last=now)
                flying.add(asyncio.create_task(self._one(item, options)))
            waiting = asyncio.create_task(self._wake.wait())
            await asyncio.wait(
                {waiting, *flying}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            waiting.cancel()
            flying = {task for task in flying if not task.done()}
        await asyncio.gather(*flying)

    async def _guarded(self, function: Callable[..., Any], *arguments: object) -> Any:
        """A full disk or the like must not end the worker: it is logged and tried again later."""
        try:
            return await asyncio.to_thread(function, *arguments)
        except Exception:
            logger.exception("%s failed", function.__name__)
            return None

    def _next_items(
        self, room: int, begun: set[tuple[str, int]]
    ) -> list[tuple[Item, ImageOptions]]:
        """The next items of the running jobs, one by one of the job with the fewest `begun`.

        Of equal ones the first is that of which none was begun for longest.
        """
        shares = Counter(job for job, _ in begun)
        queues: dict[str, Iterator[tuple[Item, ImageOptions]]] = {}
        paces = {job: self._pace.get(job) for job in self.store.running()}
        turns = [(shares[job], pace.last if pace else 0.0, job) for job, pace in paces.items()]
        heapq.heapify(turns)
        found: list[tuple[Item, ImageOptions]] = []
        while turns and len(found) < room:
            share, last, job = turns[0]
            if job not in queues:
                queues[job] = iter(self._waiting(job, room, begun))
            if (next_one := next(queues[job], None)) is None:
                heapq.heappop(turns)
                continue
            found.append(next_one)
            heapq.heapreplace(turns, (share + 1, last, job))
        return found

    def _waiting(
        self, identity: str, most: int, begun: set[tuple[str, int]]
    ) -> list[tuple[Item, ImageOptions]]:
        """The first items of a job that are not begun."""
        job = self.store.job(identity)
        if job is None:
            return []
        options = ImageOptions(**job.options)
        items = self.store.items(identity, 0, most + len(begun), ("waiting",))
        return [(item, options) for item in items if (item.job, item.number) not in begun]

    async def _one(self, item: Item, options: ImageOptions) -> None:
        """One image to its answer in the store; never raises."""
        try:
            if item.attempts >= MOST_ATTEMPTS:
                entry = _failed(
                    item,
                    "crashed",
                    f"this image was begun {item.attempts} times and never finished, as where the "
                    "service ends over it: leave it out",
                )
            else:
                await self._written(self.store.begin, item)
                entry = await self._answer(item, options)
            await self._keep(item, entry)
        except FileNotFoundError:
            # Cancelled meanwhile, or somebody else took its files.
            await self._guarded(self.store.settle, item.job)
            return
        except ShuttingDown:
            with contextlib.suppress(OSError):  # it then counts as begun once more
                await asyncio.to_thread(self.store.give_back, item)
            return
        except Exception:
            # Begun so often in vain it becomes an error of its own.
            logger.exception("image %d of job %s was not finished", item.number, item.job)
            await asyncio.sleep(AGAIN_SECONDS)
            return
        finally:
            self._begun.discard((item.job, item.number))
        if pace := self._pace.get(item.job):
            self._pace[item.job] = pace._replace(finished=pace.finished + 1)

    async def _keep(
        self, item: Item, entry: schemas.ImageAnswer, beyond_limit: bool = False
    ) -> None:
        problem = entry.error and (entry.error.code, entry.error.message)
        content = entry.to_json()
        try:
            await self._written(self.store.finish, item, content, problem, beyond_limit)
        except JobsFull as error:
            entry = _failed(item, error.code, "jobs hold no more results: delete some")
            await self._keep(item, entry, beyond_limit=True)

    async def _written(self, function: Callable[..., None], *arguments: object) -> None:
        """Call what writes until the disk takes it; raises `ShuttingDown` where that is over."""
        task = asyncio.current_task()
        try:
            while True:
                try:
                    await asyncio.to_thread(function, *arguments)
                    break
                except FileNotFoundError:
                    raise
                except OSError as error:
                    self._pause(task, error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), AGAIN_SECONDS)
                    raise ShuttingDown
        finally:
            if task in self._stuck:
                self._stuck.discard(task)
                if not self._stuck and not self._closing.is_set():
                    logger.info("jobs go on")
                    self._wake.set()

    def _pause(self, task: asyncio.Task | None, error: OSError) -> None:
        """Begin nothing more; said once, however many cannot write."""
        if not self._stuck:
            logger.warning("jobs wait until they can write to %s: %s", self.store.folder, error)
        self._stuck.add(task)

    async def _answer(self, item: Item, options: ImageOptions) -> schemas.ImageAnswer:
        upload = await asyncio.to_thread(self.store.upload, item)
        while True:
            try:
                with self._engine.admit(1), inside(JOB, item.job):
                    entry = await reconstruction.answer(self._engine, item.number, upload, options)
                code = entry.error and entry.error.code
                # Those say nothing about the image: it is done again.
                broken = code == INTERNAL_ERROR and self._engine.broken_seconds() > 0
                if code not in ("overloaded", "shutting_down") and not broken:
                    return entry
            except (Overloaded, NotWorking) as error:
                # Those whom somebody waits for go first.
                await asyncio.sleep(min(1.0, error.retry_after_seconds or 1))
            if self._closing.is_set():
                raise ShuttingDown


def _failed(item: Item, code: str, message: str) -> schemas.ImageAnswer:
    problem = schemas.Problem(code=code, message=message)
    return schemas.ImageAnswer(index=item.number, name=item.name, status="error", error=problem)
