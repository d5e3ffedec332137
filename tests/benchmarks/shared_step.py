"""What a step of inverse graphics gains from processes that share it.

    python -m tests.benchmarks.shared_step --batch 64 --processes 2

In turns, wall milliseconds of a step, medians: by one process *alone*; *shared* by several, which
average their gradients; and *apart*, as many processes at once, each with its part of the objects
and no exchange: the most that the cores allow.
"""

import argparse
import json
import statistics
import time

import torch

from tests.benchmarks.training_step import Step
from train.config import InverseConfig
from train.device import Device, launch


def timed(device: Device, batch: int, steps: int, exchange: bool) -> list[float]:
    """Wall milliseconds of each step, as the first process sees it."""
    torch.set_num_threads(1)
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
    kinds = {
        "alone_ms": (1, True), "shared_ms": (options.processes, True),
        "apart_ms": (options.processes, False),
    }  # fmt: skip
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(options.turns):
        for name, (processes, exchange) in kinds.items():
            given = (options.batch, options.steps, exchange)
            found[name] += launch(timed, processes, "auto", *given)
    figures = {name: statistics.median(values) for name, values in found.items()}
    figures["gain"] = figures["alone_ms"] / figures["shared_ms"]
    figures["cores_allow"] = figures["alone_ms"] / figures["apart_ms"]
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
