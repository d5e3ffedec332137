"""The service at twice what it can do, for as long as one likes.

    python -m tests.benchmarks.soak --seconds 600
    python -m tests.benchmarks.soak --seconds 600 --workers 2

First what it can do is measured, then requests are sent at twice that rate, whether or not the
earlier ones were answered. Prints what became of every request, latencies, and memory over time;
ends with status 1 where a request was lost or memory grew.
"""

import argparse
import asyncio
import collections
import io
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from PIL import Image

from service.settings import SHIPPED_BUNDLE
from tests.service.watched import watched

IMAGES = 4
"""Per request."""
CLIENTS = 16
"""While capacity is measured."""
MOST_GROWTH = 64 << 20
"""Bytes, from the first third to the last: buffers, not a leak."""


@dataclass
class Soak:
    """What became of it."""

    capacity: float = 0.0
    """Requests a second."""
    sent: int = 0
    answers: collections.Counter = field(default_factory=collections.Counter)
    """By status; `lost` without one, `silent` for a 429 that does not say when to come back."""
    seconds: list[float] = field(default_factory=list)
    """Of the accepted ones."""
    resident: list[int] = field(default_factory=list)
    """Bytes, once a second."""

    def growth(self) -> float:
        """Bytes by which the median of the last third is above that of the first."""
        third = len(self.resident) // 3
        first, last = self.resident[:third], self.resident[-third:]
        return statistics.median(last) - statistics.median(first)

    def percentile(self, percent: int) -> float:
        """Seconds."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]

    def report(self) -> dict[str, object]:
        return {
            "capacity_requests_per_second": round(self.capacity, 1),
            "images_per_request": IMAGES,
            "sent": self.sent,
            "answers": {str(key): count for key, count in self.answers.items()},
            "p50_seconds": round(self.percentile(50), 3),
            "p99_seconds": round(self.percentile(99), 3),
            "memory_mebibytes": [
                round(self.resident[0] / 2**20),
                round(max(self.resident) / 2**20),
            ],
            "growth_mebibytes": round(self.growth() / 2**20, 1),
        }


def soak(server, content: bytes, seconds: float, measuring: float = 3.0) -> Soak:
    """Twice capacity for so many seconds, after `measuring` seconds to find it."""
    return asyncio.run(_soak(server, content, seconds, measuring))


async def _soak(server, content, seconds, measuring):
    found = Soak()
    url = f"{server.address}/v1/reconstruct"
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=120)

    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def post():
            form = aiohttp.FormData()
            for index in range(IMAGES):
                form.add_field("images", content, filename=f"{index}.jpg")
            async with session.post(url, data=form) as answer:
                await answer.read()
                return answer

        found.capacity = await _capacity(post, measuring)

        async def one():
            began = time.monotonic()
            try:
                answer = await post()
            except (aiohttp.ClientError, TimeoutError):
                found.answers["lost"] += 1
                return
            found.answers[answer.status] += 1
            if answer.status == 200:
                found.seconds.append(time.monotonic() - began)
            elif answer.status == 429 and "Retry-After" not in answer.headers:
                found.answers["silent"] += 1

        async with asyncio.TaskGroup() as group:
            start = time.monotonic()
            while (now := time.monotonic()) < start + seconds:
                due = int((now - start) * 2 * found.capacity) - found.sent
                for _ in range(due):
                    group.create_task(one())
                found.sent += due
                if now - start > len(found.resident):
                    found.resident.append(server.resident())
                await asyncio.sleep(0.01)
    return found


async def _capacity(post, seconds):
    done = 0
    until = time.monotonic() + seconds

    async def client():
        nonlocal done
        while time.monotonic() < until:
            answer = await post()
            done += answer.status == 200

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return done / seconds


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.soak", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--workers", type=int, default=0, help="0: as many as cores and memory let")
    options = parser.parse_args()
    sample = sorted((SHIPPED_BUNDLE / "samples").iterdir())[0]
    file = io.BytesIO()
    Image.open(sample).resize((256, 256)).save(file, "JPEG")
    with tempfile.TemporaryDirectory() as folder:
        with watched(Path(folder) / "home", SHIPPED_BUNDLE, workers=options.workers) as server:
            found = soak(server, file.getvalue(), options.seconds)
    print(json.dumps(found.report(), indent=2))
    fine = set(found.answers) <= {200, 429} and found.growth() < MOST_GROWTH
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
