"""Photographs into the service from many clients at once: images a second, and where time goes."""

import asyncio
import contextlib
import statistics
import threading
import time

import aiohttp
import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks.serving.load import TIMEOUT, Turn, cpu_seconds, posted

PREFIX = "inverse_graphics_"
RUNNERS = {"segment": "segmenter", "reconstruct": "inverse_graphics"}
"""Stages that wait for a batch, and whose."""
SAMPLE_SECONDS = 0.1


def under_load(server, body, headers, shape, options) -> dict[str, float]:
    """Figures of so many clients, each with one request of `body` at a time.

    `shape`: of the clients and the photographs in `body`, as in 8x1.
    """
    (address, process), seconds = server, options.seconds
    clients, images = map(int, shape.split("x"))
    warming = min(1.0, seconds / 2)
    asyncio.run(_post_all(address, body, headers, clients, images, warming))
    before, used, loop = _totals(address), cpu_seconds(process), _main_thread_seconds(process)
    with Utilisation(options.device) as gpu:
        began = time.monotonic()
        turn = asyncio.run(_post_all(address, body, headers, clients, images, seconds))
        took = time.monotonic() - began
    used, loop = cpu_seconds(process) - used, _main_thread_seconds(process) - loop
    after = _totals(address)
    return {
        "images_per_second": turn.images / took,
        "p50_ms": turn.percentile(50),
        "p99_ms": turn.percentile(99),
        "cpu_ms_per_image": 1e3 * used / turn.images,
        "cores": used / took,
        "event_loop_cores": loop / took,
        **gpu.metrics(),
        **_stages({name: after[name] - before.get(name, 0) for name in after}),
    }


async def _post_all(address, body, headers, clients, images, seconds) -> Turn:
    turn, until = Turn(), time.monotonic() + seconds

    async def client(session):
        while time.monotonic() < until:
            _, took = await posted(session, f"{address}/v1/reconstruct", body, headers)
            turn.latencies.append(took)
            turn.images += images

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=TIMEOUT, connector=connector) as session:
        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client(session))
    return turn


def _totals(address) -> dict[tuple[str, str, str], float]:
    """(metric, its label, "sum" or "count") → so far."""
    found = {}
    for family in text_string_to_metric_families(httpx.get(f"{address}/metrics").text):
        for sample in family.samples:
            name, _, kind = sample.name.removeprefix(PREFIX).rpartition("_")
            if kind in ("sum", "count") and len(sample.labels) == 1:
                found[name, *sample.labels.values(), kind] = sample.value
    return found


def _stages(grown) -> dict[str, float]:
    """Milliseconds of each stage per image; of those in batches, waiting and running apart."""

    def mean(name, label):
        return grown[name, label, "sum"] / max(1, grown[name, label, "count"])

    found = {}
    for name, stage, kind in grown:
        if name == "stage_seconds" and kind == "sum":
            found[f"{stage}_ms"] = 1e3 * mean(name, stage)
    for stage, runner in RUNNERS.items():
        waited = 1e3 * mean("queue_wait_seconds", runner)
        found[f"{stage}_queue_ms"] = waited
        found[f"{stage}_run_ms"] = found.pop(f"{stage}_ms") - waited
        found[f"{stage}_mean_batch"] = mean("batch_size_images", runner)
    return found


def _main_thread_seconds(process) -> float:
    """CPU time of the main thread of the process that works: its event loop."""
    parent = psutil.Process(process)
    found = [0.0]
    for each in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            found += [t.user_time + t.system_time for t in each.threads() if t.id == each.pid]
    return max(found)


class Utilisation:
    """Of the GPU, sampled beside what runs within; nothing where there is none to ask."""

    def __init__(self, device):
        self._asked = device != "cpu"
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._busy, self._memory = [], []

    def __enter__(self):
        if self._asked:
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        if self._asked:
            self._thread.join()

    def _sample(self):
        import pynvml

        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
            while not self._done.wait(SAMPLE_SECONDS):
                self._busy.append(pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu)
                self._memory.append(pynvml.nvmlDeviceGetMemoryInfo(gpu).used)

    def metrics(self) -> dict[str, float]:
        """Per cent of the time in which anything ran on it; its memory in use."""
        if not self._memory:
            return {}
        memory = max(self._memory) / 2**20
        return {"gpu_percent": statistics.mean(self._busy), "gpu_memory_mebibytes": memory}
