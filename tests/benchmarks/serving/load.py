"""Clients that send the next request as soon as the last one is answered, and what that cost."""

import asyncio
import statistics
import time
from dataclasses import dataclass, field

import aiohttp
import psutil

from tests.benchmarks.serving.servers import Server
from tests.benchmarks.serving.wire import Wire, request_images

TIMEOUT = aiohttp.ClientTimeout(total=120)


@dataclass
class Turn:
    """One contestant under one load for a while."""

    cpu_milliseconds: float = 0.0
    """Of all processes of the server, per image."""
    images_per_second: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds, of each request."""
    runs: float = 0.0
    images: int = 0

    @property
    def mean_batch(self) -> float:
        return self.images / self.runs

    def percentile(self, percent: int) -> float:
        """Milliseconds."""
        if len(self.latencies) < 2:
            return 1e3 * self.latencies[0]
        return 1e3 * statistics.quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


def cpu_seconds(process: int) -> float:
    """User and system time of a process and its descendants."""
    parent = psutil.Process(process)
    times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
    return sum(found.user + found.system for found in times)


def load(server: Server, form: Wire, clients: int, images: int, seconds: float) -> Turn:
    """Send for so many seconds, each client one request of so many images at a time."""
    return asyncio.run(_load(server, form, clients, images, seconds))


async def posted(session, url, body, headers) -> tuple[bytes, float]:
    """The content of an answer, which has to be 200, and the seconds it took."""
    began = time.monotonic()
    async with session.post(url, data=body, headers=headers) as answer:
        content = await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{url} answered {answer.status}: {content[:500]!r}")
    return content, time.monotonic() - began


async def _load(server, form, clients, images, seconds):
    (address, process), turn = server, Turn()
    body = form.write_request(request_images(images))
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:

        async def client(until):
            while time.monotonic() < until:
                headers = {"Content-Type": form.content_type}
                content, took = await posted(session, f"{address}{form.path}", body, headers)
                turn.latencies.append(took)
                sizes = form.batch_sizes(content)
                turn.images += len(sizes)
                turn.runs += sum(1 / size for size in sizes)

        used, began = cpu_seconds(process), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client(began + seconds))
        turn.cpu_milliseconds = 1e3 * (cpu_seconds(process) - used) / turn.images
        turn.images_per_second = turn.images / (time.monotonic() - began)
    return turn
