"""One shard: photographs through the service's own pipeline, meshes and manifest into the folder.

It knows nothing of Ray.
"""

from __future__ import annotations

import asyncio
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
from service.model.session import CPU
from service.pipeline.engine import Engine
from service.pipeline.meshes import EXTENSIONS
from service.pipeline.reconstruction import answer
from service.schemas.options import ImageOptions
from service.schemas.photographs import ImageAnswer, Upload

MESHES = "meshes"
BEGUN = "begun"
"""One file per shard: the photographs that were begun. It goes when the shard is done."""
MOST_ATTEMPTS = 3
"""A photograph that was begun so often in one run and never finished took the process down."""
READ_AHEAD = 8
"""Photographs whose files are read while others are worked on."""
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
    """A photograph's row with its files; an error in place of a file that cannot be read."""

    number: int
    photograph: str
    image: bytes | ItemError
    mask: bytes | ItemError | None


class Maker:
    """Works off shards, one after the other."""

    def __init__(self, engine: Engine, place: Place, options: ImageOptions, run: str) -> None:
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
        tasks: list[asyncio.Task[dict[str, Any]]] = []
        try:
            async for content in self._contents(shard):
                await room.acquire()
                tasks.append(asyncio.create_task(self._one(shard, content, attempts, room)))
            made = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.to_thread(self._place.write, manifest_name(shard), rows.to_parquet(made))
        self._place.delete(f"{BEGUN}/{shard:06}")
        outcomes = Counter(row["outcome"] for row in made)
        return Done(shard, dict(outcomes), time.monotonic() - start)

    def _attempts(self, shard: int) -> Counter[int]:
        """How often each photograph was begun, by processes of this run that have ended since."""
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

    async def _contents(self, shard: int) -> AsyncIterator[Content]:
        """The photographs in order; the files of the next ones are being read meanwhile."""
        wanted = await asyncio.to_thread(photographs_of, self._place, shard)
        ahead: deque[asyncio.Task[Content]] = deque()
        for index, row in enumerate(wanted):
            ahead.append(asyncio.create_task(asyncio.to_thread(_read, index, row)))
            if len(ahead) == READ_AHEAD:
                yield await ahead.popleft()
        while ahead:
            yield await ahead.popleft()

    async def _one(
        self, shard: int, content: Content, attempts: Counter[int], room: asyncio.Semaphore
    ) -> dict[str, Any]:
        """The row of a photograph, when its mesh has been written."""
        index, photograph = content.number, content.photograph
        try:
            if attempts[index] >= MOST_ATTEMPTS:
                message = (
                    f"this image was begun {attempts[index]} times and never finished, as where "
                    "the process ends over it: leave it out"
                )
                return rows.failed(photograph, "crashed", message)
            self._place.append(f"{BEGUN}/{shard:06}", f"{self._run} begun {index}")
            found = await self._answer(content)
            self._place.append(f"{BEGUN}/{shard:06}", f"{self._run} ended {index}")
        finally:
            room.release()
        name = f"{MESHES}/{shard:06}/{index:04}.{EXTENSIONS[self._options.format]}"
        if found.mesh is not None:
            data = found.mesh.data
            assert isinstance(data, bytes)  # a text is a link, which was not asked for
            await asyncio.to_thread(self._place.write, name, data)
        return rows.row_of(photograph, found, name)

    async def _answer(self, content: Content) -> ImageAnswer:
        mask = content.mask
        upload = Upload(
            content.photograph,
            partial(_given, content.image),
            None if mask is None else partial(_given, mask),
        )
        waited, failures = 0.0, 0
        while True:
            found = await answer(self._engine, content.number, upload, self._options)
            if found.error is None or found.error.code not in NOT_ITS_OWN:
                return found
            if await self._engine.is_ready():
                failures += 1
                if failures > 1:  # the networks work, and yet not on this photograph
                    return found
            elif waited > BROKEN_SECONDS:
                raise BatchError(f"the networks fail ({found.error.message}): see to the device")
            await asyncio.sleep(1)
            waited += 1


def _read(index: int, row: dict[str, str | None]) -> Content:
    photograph, mask = row["photograph"], row["mask"]
    assert photograph is not None
    return Content(index, photograph, _tried(photograph), None if mask is None else _tried(mask))


def _tried(address: str) -> bytes | ItemError:
    try:
        return read(address)
    except ItemError as error:
        return error


def _given(content: bytes | ItemError) -> bytes:
    if isinstance(content, ItemError):
        raise content
    return content
