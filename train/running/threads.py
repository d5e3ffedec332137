"""How many threads PyTorch takes on the CPU: measured, as idle cores and busy ones differ much.

Threads that share one convolution wait for each other by spinning. Where another process keeps one
of the cores busy, two threads can be several times slower than one.
"""

import os
import time
from typing import NamedTuple

CONVOLVING = ("segmenter", "gan", "viewpoints", "cameras", "inverse", "disentangle", "neural")
"""Stages whose time goes into convolutions."""
SECONDS = 0.4
"""Of each number of threads, or one step."""
WORTH = 1.1
"""By this factor more threads have to be faster: they take cores from others."""
VARIABLE = "OMP_NUM_THREADS"
"""OpenMP's own; who has set it, torchrun for one, has chosen."""


class Threads(NamedTuple):
    """The threads of a stage."""

    number: int
    reason: str

    def line(self) -> str:
        """For people."""
        return f"PyTorch takes {self.number} thread{'s' * (self.number > 1)}: {self.reason}"


def choose(forced: int) -> Threads | None:
    """Set PyTorch's number of threads in this process. `forced`: 0 measures.

    Returns:
        The choice; None on a GPU, where it does not matter.
    """
    import torch  # a refused command waits for nothing

    if torch.cuda.is_available():
        return None
    cores = len(os.sched_getaffinity(0))
    if forced:
        found = Threads(forced, "as --threads says")
    elif VARIABLE in os.environ:
        found = Threads(torch.get_num_threads(), f"as {VARIABLE} says")
    elif cores == 1:
        found = Threads(1, "there is one core")
    else:
        found = fastest({count: steps_per_second(count) for count in _counts(cores)})
    torch.set_num_threads(found.number)
    return found


def fastest(measured: dict[int, float]) -> Threads:
    """The number of threads to take. `measured`: steps per second by threads, fewest first."""
    best = min(measured)
    for count, speed in measured.items():
        if speed > WORTH * measured[best]:
            best = count
    speeds = ", ".join(f"{speed:.1f} with {count}" for count, speed in measured.items())
    return Threads(best, f"measured just now, in steps a second: {speeds}; --threads N forces it")


def steps_per_second(threads: int) -> float:
    """How often a small convolution and its gradient are computed with so many threads."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(threads)
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(8, 32, 64, 64, generator=rng).contiguous(memory_format=torch.channels_last)
    weights = torch.randn(32, 32, 3, 3, generator=rng).requires_grad_()
    done, began = -1, time.perf_counter()
    while done < 1 or time.perf_counter() - began < SECONDS:
        functional.leaky_relu(functional.conv2d(images, weights, padding=1)).mean().backward()
        done += 1
        if not done:  # the first one wakes the threads
            began = time.perf_counter()
    return done / (time.perf_counter() - began)


def _counts(cores: int) -> list[int]:
    """1, 2, 4 and so on, and all of them."""
    return sorted({1 << power for power in range(cores.bit_length())} | {cores})
