"""Prometheus metrics, and the text that `/metrics` serves.

BentoML's own are off: they have a series for every path that was ever asked for, so that clients
could make them grow without end.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from time import perf_counter

import prometheus_client as prometheus
from prometheus_client import multiprocess

from service import tracing
from service.call import CALL

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
# Every name begins with inverse_graphics_; those of counters end in _total.
Counter = partial(prometheus.Counter, namespace="inverse_graphics")
Gauge = partial(prometheus.Gauge, namespace="inverse_graphics")
Histogram = partial(prometheus.Histogram, namespace="inverse_graphics")
Seconds = partial(Histogram, buckets=SECONDS)

QUEUE_WAIT = Seconds("queue_wait_seconds", "Time an image waited for its batch.", ["runner"])
BATCH_SIZE = Histogram(
    "batch_size_images",
    "Images in one run of a graph.",
    ["runner"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
)
DISPATCHES = Counter(
    "dispatches",
    "Runs of a graph by reason: full (the largest batch was queued), idle (the device was idle and "
    "less was queued), alone (one image of a batch that failed).",
    ["runner", "reason"],
)
STAGE = Seconds("stage_seconds", "Time of one stage of one image, waiting included.", ["stage"])
ITEMS = Counter("items", "Images by outcome: ok, or the code of the error.", ["outcome"])
BATCH_FAILURES = Counter(
    "batch_failures", "Batches that failed and were run image by image.", ["runner"]
)
IN_FLIGHT = Gauge(
    "in_flight_images", "Images accepted and not yet answered.", multiprocess_mode="livesum"
)
DEVICE_MEMORY = Gauge(
    "device_memory_bytes",
    "Memory in use: of the whole GPU, or of all workers where the graphs run on the CPU.",
    ["device"],
    multiprocess_mode="livesum",
)
READY = Gauge("ready_workers", "Worker processes that take requests.", multiprocess_mode="livesum")
REPLACED = Counter("replaced_workers", "Worker processes that took the place of one that ended.")
SEGMENTER = Gauge(
    "segmenter_info",
    "1 for the segmenter that serves: general, the bundle's own, or a file of the operator's.",
    ["kind", "sha256"],
    multiprocess_mode="livemax",
)
REFUSALS = Counter("refusals", "Requests refused as a whole, by the code of the error.", ["code"])
REQUESTS = Counter(
    "requests",
    "Calls of /v1 by route and HTTP status; 499: the client went away.",
    ["route", "status"],
)
REQUEST = Seconds("request_seconds", "Time of one call, its body's way included.", ["route"])
MEDIA_TYPE = prometheus.CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """All metrics as text, of every process of this server."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return prometheus.generate_latest()
    registry = prometheus.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return prometheus.generate_latest(registry)


def forget_process(process: int) -> None:
    """Leave out what a process that ended has in hand; what it counted stays."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(process)


def count_request(route: str, status: int, seconds: float) -> None:
    """One more call; `route` is one of a few, never what a client made up."""
    REQUESTS.labels(route, status).inc()
    REQUEST.labels(route).observe(seconds)


def count_item(outcome: str) -> None:
    """One more image with this outcome: ok, or the code of its error."""
    ITEMS.labels(outcome).inc()
    if (call := CALL.get()) is not None:
        call.items[outcome] += 1


@contextmanager
def stage(name: str, timings: dict[str, float]) -> Iterator[None]:
    """Time a stage into its histogram and into `timings` (milliseconds by stage)."""
    start = perf_counter()
    try:
        with tracing.stage_span(name):
            yield
    finally:
        seconds = perf_counter() - start
        _stage(name).observe(seconds)
        timings[name] = round(1000 * seconds, 3)


@cache
def _stage(name: str) -> prometheus.Histogram:
    """Cached, as looking it up costs as much as counting."""
    return STAGE.labels(name)
