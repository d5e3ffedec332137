"""What a step of inverse graphics gains from processes that share it.

    python -m tests.benchmarks.shared_step --batch 64 --processes 2

In turns, wall milliseconds of a step, medians: by one thread *alone*; *threaded*, by one process
with as many threads; *shared* by several processes of one thread, which average their gradients;
and *apart*, as many at once, each with its part of the objects and no exchange: the most that the
cores allow.
"""

import argparse
import json
import statistics
import time

import torch

from tests.benchmarks.training_step import Step
from train.config import InverseConfig
from train.running.device import Device, launch


def timed(device: Device, batch: int, steps: int, threads: int, exchange: bool) -> list[float]:
    """Wall milliseconds of each step, as the first process sees it."""
    torch.set_num_threads(threads)
    step = (
        Step(batch, InverseConfig(), device)
        if exchange
        else Step(batch // device.processes, InverseConfig())
    )
    found = []
    for _ in range(steps):
        device.fabric.barrier()
        began = time.perf_counter()
        step.whole()
        found.append(1e3 * (time.perf_counter() - began))
    return found[steps // 4 :]  # the first ones warm up


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--batch", type=int, default=16, help="objects; each gives two images")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    several = options.processes
    kinds = {
        "alone_ms": (1, 1, True), "threaded_ms": (1, several, True),
        "shared_ms": (several, 1, True), "apart_ms": (several, 1, False),
    }  # fmt: skip
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(options.turns):
        for name, (processes, threads, exchange) in kinds.items():
            given = (options.batch, options.steps, threads, exchange)
            found[name] += launch(timed, processes, "auto", *given)
    metrics = {name: statistics.median(values) for name, values in found.items()}
    for gain in ("threaded", "shared", "apart"):
        metrics[gain] = metrics["alone_ms"] / metrics[f"{gain}_ms"]
    print(json.dumps({name: round(value, 2) for name, value in metrics.items()}))


if __name__ == "__main__":
    main()
