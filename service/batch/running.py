"""A batch on Ray Data: shards stream through actors, each with an engine of its own."""

# pyright: reportMissingImports=false
from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import ray
import ray.data

from service.batch.errors import BatchError
from service.batch.making import Done, Maker
from service.batch.places import Place
from service.batch.report import worst_sheet
from service.cgroup import available_cores
from service.pipeline.engine import Engine
from service.schemas.objects import ItemOptions
from service.settings import Settings

OBJECT_STORE_BYTES = 100 << 20
"""Of Ray on one machine: nothing but numbers of shards goes through it."""
STARTS = 3
"""Ray gives its processes half a minute, which a busy machine may exceed."""
MOST_BLOCKS = 10_000
"""Ray's tasks: with more shards, one has several."""


class Share(NamedTuple):
    """What each actor takes of the machines, and how many there are."""

    cores: int
    gpus: float
    """0 where the networks run on the CPU."""
    actors: int
    """0: as many as fit."""


class Job(NamedTuple):
    """What every actor is told."""

    settings: Settings
    results: str
    """The address of the folder."""
    options: ItemOptions
    run: str


def start(share: Share) -> int:
    """Begin Ray, or find the cluster that RAY_ADDRESS names; how many actors there will be.

    Raises `BatchError` where not one fits.
    """
    _begin_ray()
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # it tells of its progress bars
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    there = ray.cluster_resources()
    fits = int(there.get("CPU", 0) // share.cores)
    if share.gpus:
        fits = min(fits, int(there.get("GPU", 0) / share.gpus + 1e-6))
    if fits < 1:
        raise BatchError(
            f"an actor takes {share.cores} cores and {share.gpus:g} GPUs; there are "
            f"{there.get('CPU', 0):g} and {there.get('GPU', 0):g}: give --cores-each and "
            "--gpus-each less"
        )
    return min(fits, share.actors or fits)


def _begin_ray() -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent about its use
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
        return
    for attempt in range(1, STARTS + 1):
        try:
            ray.init(
                address="local",
                num_cpus=available_cores(),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                **quiet,
            )
        except Exception as error:  # Ray's own is a plain one
            ray.shutdown()
            if attempt == STARTS:
                raise BatchError(f"Ray does not start on this machine: {error}") from error
        else:
            return


def stop() -> None:
    """End what `start` began."""
    ray.shutdown()


def run(job: Job, shards: list[int], share: Share, actors: int) -> Iterator[Done]:
    """Each shard as it is done; those that wait are in no actor's memory.

    Raises `BatchError` where the batch cannot go on, as where its folder cannot be written.
    """
    waiting = ray.data.from_items(
        [{"shard": shard} for shard in shards],
        override_num_blocks=min(len(shards), MOST_BLOCKS),
    )
    made = waiting.map_batches(
        _Actor,
        fn_constructor_args=(job, share.cores),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(actors, len(shards))),
        num_cpus=share.cores,
        num_gpus=share.gpus or None,
    )
    try:
        for row in made.iter_rows():
            if row["problem"]:
                raise BatchError(row["problem"])
            yield Done(row["shard"], _outcomes(row["outcomes"]), row["seconds"])
    except ray.exceptions.RayError as error:
        raise BatchError(f"a process of the batch failed: {_last_line(error)}") from error


def draw_worst(job: Job, rows: list[dict[str, Any]], share: Share) -> bytes | None:
    """The sheet of these photographs, drawn by a process that has an actor's share; None where not
    one can be read any more.

    Raises `BatchError`.
    """
    draw = ray.remote(num_cpus=share.cores, num_gpus=share.gpus)(_draw)
    try:
        return ray.get(draw.remote(job, rows, share.cores))
    except ray.exceptions.RayError as error:
        raise BatchError(f"it could not be drawn: {_last_line(error)}") from error


def _last_line(error: Exception) -> str:
    """Without the traces that Ray puts before it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


class _Actor:
    """A process with an engine, which it keeps for all its shards."""

    def __init__(self, job: Job, cores: int) -> None:
        self._loop = asyncio.new_event_loop()
        engine = Engine(_settings(job, cores))
        self._maker = Maker(engine, Place(job.results), job.options, job.run)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[Any]]:
        (shard,) = batch["shard"].tolist()
        outcomes, seconds, problem = "", 0.0, ""
        try:
            done = self._loop.run_until_complete(self._maker.make(shard))
        except (BatchError, OSError) as error:
            # Told, not raised: Ray wraps what is raised in pages of traces.
            problem = str(error)
        else:
            seconds, outcomes = done.seconds, _text(done.outcomes)
        row = {"shard": shard, "outcomes": outcomes, "seconds": seconds, "problem": problem}
        return {name: [value] for name, value in row.items()}


def _draw(job: Job, rows: list[dict[str, Any]], cores: int) -> bytes | None:
    return asyncio.run(worst_sheet(Engine(_settings(job, cores)), rows))


def _settings(job: Job, cores: int) -> Settings:
    # Nobody asks for a reconstruction again.
    return job.settings.model_copy(update={"threads": cores, "kept_reconstructions": 1})


def _text(outcomes: dict[str, int]) -> str:
    return " ".join(f"{name}={count}" for name, count in outcomes.items())


def _outcomes(text: str) -> dict[str, int]:
    return {name: int(count) for name, count in (pair.split("=") for pair in text.split())}
