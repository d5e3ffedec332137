"""One server with several workers against as many servers of one, and what each more brings.

    python -m tests.benchmarks.serving.workers --workers 1 2 --turns 7
    python -m tests.benchmarks.serving.workers --workers 1 2 3 --turns 5 --sleeping

A JPEG of 1,024 px to a GLB, with the bundle's own segmenter. The servers stay up and are measured
in turns; `separate` is the largest number of workers as servers that know nothing of each other.
With `--sleeping` the graphs are replaced by a device that sleeps, one for all workers of a server.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from service.process import ROOT, SERVICE, serving
from tests.benchmarks.serving.load import TIMEOUT, cpu_seconds, posted
from tests.benchmarks.serving.photographs import FORM, form, photograph

SLEEPING = "tests.benchmarks.serving.sleeping:InverseGraphics"
SEPARATE = "separate"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.serving.workers", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each server in each turn")
    parser.add_argument("--clients", type=int, default=8, help="of each process")
    parser.add_argument("--sleeping", action="store_true", help="a device that sleeps")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        servers = _start(stack, Path(folder), options)
        print(json.dumps(_measure(servers, options), indent=2))


def _start(stack, folder, options) -> dict[str, list]:
    """Name → the servers that are loaded together."""

    def start(name, workers):
        settings = {
            "INVERSE_GRAPHICS_WORKERS": str(workers),
            "INVERSE_GRAPHICS_THREADS": str(workers),
            "INVERSE_GRAPHICS_SEGMENTER": "bundle",
            "INVERSE_GRAPHICS_DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            "BENCHMARK_DEVICE_LOCK": str(folder / f"{name}.device"),
            "BENCHMARK_RUN_MS": "0.4",
            "BENCHMARK_IMAGE_MS": "0.06",
        }
        target = SLEEPING if options.sleeping else SERVICE
        return stack.enter_context(serving(folder / name, settings, target, ROOT))

    servers = {str(count): [start(f"of-{count}", count)] for count in options.workers}
    most = max(options.workers)
    if most > 1 and not options.sleeping:
        servers[SEPARATE] = [start(f"separate-{number}", 1) for number in range(most)]
    return servers


def _measure(servers, options) -> dict[str, dict[str, float]]:
    body, found = form(photograph(), 1), {name: [] for name in servers}
    for _ in range(options.turns + 1):
        for name, those in servers.items():
            workers = max(options.workers) if name == SEPARATE else int(name)
            found[name].append(asyncio.run(_turn(those, body, workers * options.clients, options)))
    first = next(iter(found))
    medians = {}
    for name, turns in found.items():
        # The first turn warms up.
        pairs = list(zip(turns[1:], found[first][1:], strict=True))
        medians[name] = {
            "photographs_per_second": round(statistics.median(rate for rate, _ in turns[1:]), 1),
            "cpu_ms_per_photograph": round(statistics.median(cost for _, cost in turns[1:]), 2),
            f"rate_over_{first}": round(statistics.median(a[0] / b[0] for a, b in pairs), 3),
            f"cpu_over_{first}": round(statistics.median(a[1] / b[1] for a, b in pairs), 3),
        }
    if SEPARATE in found:
        whole = found[str(max(options.workers))][1:]
        pairs = list(zip(whole, found[SEPARATE][1:], strict=True))
        medians["one serve over separate"] = {
            "rate": round(statistics.median(a[0] / b[0] for a, b in pairs), 3),
            "cpu": round(statistics.median(a[1] / b[1] for a, b in pairs), 3),
        }
    return medians


async def _turn(servers, body, clients, options) -> tuple[float, float]:
    """Photographs a second of all servers together, and CPU milliseconds of each photograph.

    The first third of the time does not count: connections that all went to one worker are then
    spread over them.
    """
    done, until = 0, time.monotonic() + options.seconds
    used, began = 0.0, 0.0

    async def client(session, address):
        nonlocal done
        while time.monotonic() < until:
            await posted(session, f"{address}/v1/reconstruct", body, {"Content-Type": FORM})
            done += 1

    async def begin():
        nonlocal done, used, began
        await asyncio.sleep(options.seconds / 3)
        done, began = 0, time.monotonic()
        used = sum(cpu_seconds(each.process.pid) for each in servers)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=TIMEOUT, connector=connector) as session:
        async with asyncio.TaskGroup() as group:
            group.create_task(begin())
            for number in range(clients):
                group.create_task(client(session, servers[number % len(servers)].address))
    took = time.monotonic() - began
    used = sum(cpu_seconds(each.process.pid) for each in servers) - used
    return done / took, 1e3 * used / done


if __name__ == "__main__":
    main()
