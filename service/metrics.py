"""Prometheus metrics; BentoML's /metrics endpoint serves them beside its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

from service import tracing
from service.call import current_call

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)

QUEUE_WAIT = Histogram(
    "inverse_graphics_queue_wait_seconds",
    "Time an image waited for its batch.",
    ["runner"],
    buckets=SECONDS,
)
BATCH_SIZE = Histogram(
    "inverse_graphics_batch_size_images",
    "Images in one run of a graph.",
    ["runner"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
)
DISPATCHES = Counter(
    "inverse_graphics_dispatches",
    "Runs of a graph by reason: full (the largest batch was queued), idle (the device was idle and "
    "less was queued), alone (one image of a batch that failed).",
    ["runner", "reason"],
)
STAGE = Histogram(
    "inverse_graphics_stage_seconds",
    "Time of one stage of one image, waiting included.",
    ["stage"],
    buckets=SECONDS,
)
ITEMS = Counter(
    "inverse_graphics_items", "Images by outcome: ok, or the code of the error.", ["outcome"]
)
BATCH_FAILURES = Counter(
    "inverse_graphics_batch_failures",
    "Batches that failed and were run image by image.",
    ["runner"],
)
IN_FLIGHT = Gauge(
    "inverse_graphics_in_flight_images",
    "Images accepted and not yet answered.",
    multiprocess_mode="livesum",
)
DEVICE_MEMORY = Gauge(
    "inverse_graphics_device_memory_bytes",
    "Memory in use: of the whole GPU, or of this process where the graphs run on the CPU.",
    ["device"],
    multiprocess_mode="livemax",
)
REFUSALS = Counter(
    "inverse_graphics_refusals", "Requests refused as a whole, by the code of the error.", ["code"]
)


def count_item(outcome: str) -> None:
    """One more image with this outcome: ok, or the code of its error."""
    ITEMS.labels(outcome).inc()
    if (call := current_call()) is not None:
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
        STAGE.labels(name).observe(seconds)
        timings[name] = round(1000 * seconds, 3)
