"""Interleaved timing and peak memory, on a CPU or a GPU."""

import ctypes
import gc
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

Run = Callable[[], object]


def seconds(run: Run, device: torch.device) -> float:
    """CPU time of this process on a CPU, all threads together; wall time of a GPU's work."""
    if device.type == "cpu":
        began = time.process_time()
        run()
        return time.process_time() - began
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    run()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began


def interleaved(
    runs: Sequence[Run],
    device: torch.device,
    repeats: int,
    patience: float,  # seconds, after which a run is not repeated any more
) -> list[list[float]]:
    """Seconds of each run, taken in turns after one turn to warm up.

    A run whose first turn exceeds the patience is not repeated: that turn counts.
    """
    times: list[list[float]] = [[] for _ in runs]
    for turn in range(repeats + 1):
        for run, found in zip(runs, times, strict=True):
            if turn > 0 and sum(found) > patience:
                continue
            took = seconds(run, device)
            if turn > 0 or took > patience:
                found.append(took)
    return times


def median(times: Sequence[float]) -> float:
    """Seconds."""
    return statistics.median(times)


def peak_mebibytes(run: Run, device: torch.device) -> float | None:
    """How far memory rises above what it was before; None where the system does not tell."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak (Linux)
        before = _status("VmRSS")
        run()
        return (_status("VmHWM") - before) / 1024
    except OSError:
        return None


def _status(name: str) -> int:
    """KiB of this process."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+)", text)[1])
