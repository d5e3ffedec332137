"""One shard: photographs through the service's own pipeline, meshes and manifest into the folder.

It knows nothing of Ray.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, NamedTuple

from service.batch import rows
from service.batch.errors import BatchError
from service.batch.places import Place, read
from service.batch.plan import manifest_name, photographs_of
from service.errors import INTERNAL_ERROR, ItemError
from service.jobs.members import grouped
from service.model.session import CPU
from service.pipeline import items
from service.pipeline.engine import Engine
from service.pipeline.items import Answered
from service.pipeline.meshes import EXTENSIONS
from service.pipeline.objects import Group
from service.schemas.objects import ItemOptions
from service.schemas.photographs import Problem, Upload

MESHES = "meshes"
BEGUN = "begun"
"""One file per shard: the items that were begun. It goes when the shard is done."""
MOST_ATTEMPTS = 3
"""An item that was begun so often in one run and never finished took the process down."""
READ_AHEAD = 8
"""Photographs whose files are read while others are worked on; an object more, if it has more."""
BROKEN_SECONDS = 60.0
"""For how long a graph may fail on everything before the batch ends."""


NOT_ITS_OWN = (INTERNAL_ERROR, "not_working")
"""Codes of errors that may lie in the device, not in the photograph."""


class Done(NamedTuple):
    """A shard that is done."""

    shard: int
    outcomes: dict[str, int]
    """Photographs by outcome."""
    seconds: float


class Content(NamedTuple):
    """A photograph's row with its files; an error in place of a file that is not read."""

    number: int
    """In the shard, from 0."""
    photograph: str
    object: str | None
    image: bytes | ItemError
    mask: bytes | ItemError | None

    @property
    def name(self) -> str:
        """Of its object, which is the photograph alone where it has none."""
        return self.object or self.photograph


class Maker:
    """Works off shards, one after the other."""

    def __init__(self, engine: Engine, place: Place, options: ItemOptions, run: str) -> None:
        """`run`: names this run of the command, however often its processes are started again."""
        self._engine, self._place, self._options, self._run = engine, place, options, run
        # One by one on a CPU: sums are then those of any other run, to the last bit.
        alone = engine.reconstructor.session.provider == CPU
        self._together = 1 if alone else 2 * engine.settings.largest_batch

    async def make(self, shard: int) -> Done:
        """The meshes of a shard and then its manifest, which says that it is done.

        Raises:
            BatchError: the networks fail whatever their input.
            OSError: the folder cannot be written.
        """
        start = time.monotonic()
        attempts = self._attempts(shard)
        room = asyncio.Semaphore(self._together)
        tasks: list[asyncio.Task[list[dict[str, Any]]]] = []
        try:
            async for contents in self._contents(shard):
                places = min(len(contents), self._together)
                for _ in range(places):
                    await room.acquire()
                one = self._one(shard, contents, attempts[contents[0].number], [room] * places)
                tasks.append(asyncio.create_task(one))
            made = list(itertools.chain.from_iterable(await asyncio.gather(*tasks)))
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.to_thread(self._place.write, manifest_name(shard), rows.to_parquet(made))
        self._place.delete(f"{BEGUN}/{shard:06}")
        outcomes = Counter(row["outcome"] for row in made)
        return Done(shard, dict(outcomes), time.monotonic() - start)

    def _attempts(self, shard: int) -> Counter[int]:
        """How often each item was begun, by processes of this run that have ended since.

        By the number of its first photograph.
        """
        name = f"{BEGUN}/{shard:06}"
        if not self._place.is_local or not self._place.exists(name):
            return Counter()
        counts: Counter[int] = Counter()
        for line in self._place.read(name).decode().splitlines():
            match line.split():  # the last line may be cut short
                case [run, "begun", index] if run == self._run:
                    counts[int(index)] += 1
                case [run, "ended", index] if run == self._run:
                    counts[int(index)] -= 1
        return counts

    async def _contents(self, shard: int) -> AsyncIterator[list[Content]]:
        """The items in order, each with its photographs; the next ones are being read meanwhile."""
        wanted = await asyncio.to_thread(photographs_of, self._place, shard)
        ahead: deque[asyncio.Future[list[Content]]] = deque()
        reading: deque[int] = deque()
        for _, numbers in grouped([row["object"] for row in wanted]):
            rows_of_item = [(number, wanted[number]) for number in numbers]
            ahead.append(asyncio.ensure_future(self._all_read(rows_of_item)))
            reading.append(len(numbers))
            while sum(reading) >= READ_AHEAD:
                reading.popleft()
                yield await ahead.popleft()
        while ahead:
            yield await ahead.popleft()

    async def _all_read(self, wanted: list[tuple[int, dict[str, str | None]]]) -> list[Content]:
        """The photographs of one item; of one that has too many nothing is read."""
        if len(wanted) > self._engine.settings.largest_request:
            unread = ItemError(items.TOO_MANY, "its object has too many photographs")
            return [Content(n, str(row["photograph"]), row["object"], unread, None)
                    for n, row in wanted]  # fmt: skip
        reading = (asyncio.to_thread(_read, number, row) for number, row in wanted)
        return list(await asyncio.gather(*reading))

    async def _one(
        self, shard: int, contents: list[Content], attempts: int, held: list[asyncio.Semaphore]
    ) -> list[dict[str, Any]]:
        """The rows of an item's photographs, when its mesh has been written.

        `held`: is released when it is answered.
        """
        first, begun = contents[0], f"{BEGUN}/{shard:06}"
        try:
            if problem := self._not_begun(contents, attempts):
                named = [(content.number, content.photograph) for content in contents]
                options = self._options
                answered = items.failed(first.number, first.name, named, problem, options)
            else:
                self._place.append(begun, f"{self._run} begun {first.number}")
                answered = await self._answer(contents)
                self._place.append(begun, f"{self._run} ended {first.number}")
        finally:
            for room in held:
                room.release()
        name = f"{MESHES}/{shard:06}/{first.number:04}.{EXTENSIONS[self._options.format]}"
        mesh = (answered.object or answered.images[0]).mesh
        if mesh is not None:
            assert isinstance(mesh.data, bytes)  # a text is a link, which was not asked for
            await asyncio.to_thread(self._place.write, name, mesh.data)
        photographs = [content.photograph for content in contents]
        return rows.rows_of(photographs, first.object, answered, name)

    def _not_begun(self, contents: list[Content], attempts: int) -> Problem | None:
        """Why an item is not worked on."""
        if attempts >= MOST_ATTEMPTS:
            message = (
                f"this {'image' if self._options.objects == 'none' else 'object'} was begun "
                f"{attempts} times and never finished, as where the process ends over it: leave it "
                "out"
            )
            return Problem(code="crashed", message=message)
        return items.too_many(
            contents[0].name, len(contents), self._engine.settings.largest_request
        )

    async def _answer(self, contents: list[Content]) -> Answered:
        uploads = [(content.number, _upload(content)) for content in contents]
        group = Group(contents[0].number, contents[0].name, uploads)
        waited, failures = 0.0, 0
        while True:
            found = await items.answer(self._engine, group, self._options)
            entries = (*found.images, *([found.object] if found.object else ()))
            problems = [entry.error for entry in entries if entry.error is not None]
            doubted = [problem for problem in problems if problem.code in NOT_ITS_OWN]
            if not doubted:
                return found
            if await self._engine.is_ready():
                failures += 1
                if failures > 1:  # the networks work, and yet not on this item
                    return found
            elif waited > BROKEN_SECONDS:
                raise BatchError(f"the networks fail ({doubted[0].message}): see to the device")
            await asyncio.sleep(1)
            waited += 1


def _upload(content: Content) -> Upload:
    mask = content.mask
    read_mask = None if mask is None else partial(_given, mask)
    return Upload(content.photograph, partial(_given, content.image), read_mask)


def _read(index: int, row: dict[str, str | None]) -> Content:
    photograph, mask = row["photograph"], row["mask"]
    assert photograph is not None
    read_mask = None if mask is None else _tried(mask)
    return Content(index, photograph, row["object"], _tried(photograph), read_mask)


def _tried(address: str) -> bytes | ItemError:
    try:
        return read(address)
    except ItemError as error:
        return error


def _given(content: bytes | ItemError) -> bytes:
    if isinstance(content, ItemError):
        raise content
    return content
