"""The devices, processes and precision that a training stage runs on, by Lightning Fabric."""

import contextlib
import ctypes
import logging
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException

from train.config import require
from train.running import torchrun

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # its banner per process

SMALLEST_SHARD = 8  # images of a batch below which a further process on the CPU gains nothing


def cpu_computes_bfloat16() -> bool:
    """Whether this processor has bfloat16 arithmetic; without it autocast only costs time."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        flags = file.read()
        return "avx512_bf16" in flags or "amx_bf16" in flags
    return False


def processes_for(batch_size: int, *, threaded: bool = False) -> int:
    """How many processes should share a batch: those that torchrun started, else one per GPU, or
    one per CPU core.

    `threaded`: on CPU cores the threads of one process share the work better.
    """
    if (given := torchrun.given_processes()) is not None:
        return given
    if torch.cuda.is_available():
        most = torch.cuda.device_count()
    elif threaded:
        return 1
    else:
        most = min(len(os.sched_getaffinity(0)), batch_size // SMALLEST_SHARD)
    fitting = (n for n in range(most, 1, -1) if batch_size % (2 * n) == 0)
    return next(fitting, 1)


def new_fabric(precision: str = "auto", processes: int = 1) -> Fabric:
    """Fabric on the GPUs, where there are any, or on the CPU.

    `precision`: "auto" (bfloat16 where the hardware computes it), "float32" or "bfloat16".
    """
    on_gpu = torch.cuda.is_available()
    fast = torch.cuda.is_bf16_supported() if on_gpu else cpu_computes_bfloat16()
    half = precision == "bfloat16" or (precision == "auto" and fast)
    given = processes > 1 and torchrun.given_processes() is not None
    machines = int(os.environ["GROUP_WORLD_SIZE"]) if given else 1
    return Fabric(
        accelerator="cuda" if on_gpu else "cpu",
        devices=processes // machines,
        num_nodes=machines,
        strategy="auto" if processes == 1 else "ddp" if given else "ddp_spawn",
        precision="bf16-mixed" if half else "32-true",
    )


@cache
def default_device() -> torch.device:
    """The device of a stage that one process runs by itself."""
    return new_fabric("float32").device


class Device:
    """Where tensors live, which precision the forward passes take, and which process this is."""

    def __init__(self, precision: str = "auto", fabric: Fabric | None = None) -> None:
        """`fabric`: joins the processes that share the work; default: this one is alone."""
        self.fabric = fabric or new_fabric(precision)
        self.device, self.processes = self.fabric.device, self.fabric.world_size
        self.is_rank_zero = self.fabric.is_global_zero  # which reports and writes
        self.autocast = self.fabric.autocast  # the context of a forward pass

    def shard(self, count: int) -> slice:
        """This process's shard of `count` items: every `processes`-th one."""
        return slice(self.fabric.global_rank, count, self.processes)

    def average(self, tensors: list[Tensor]) -> None:
        """Replace tensors by their means over the processes, in one exchange."""
        if self.processes == 1 or not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        self.fabric.all_reduce(flat, reduce_op="mean")
        for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))


def launch(
    function: Callable[..., Any], processes: int, precision: str, *arguments: Any
) -> Any:  # what rank 0 returns
    """Call `function(device, *arguments)`, a module's own function, in that many processes.

    What one of them raises is raised here with its own type. Under torchrun the processes are the
    given ones: rank 0 calls this, the others are in `follow_rank_zero`.

    Raises:
        ConfigError: another number of processes than torchrun started.
    """
    if (group := torchrun.process_group()) is not None:
        given = torchrun.given_processes()
        require(
            processes == given,
            f"{processes} processes were asked for and torchrun started {given}: leave "
            "--gan.processes and --inverse.processes at 0",
        )
    if group is not None and processes > 1:
        work = torchrun.Work(function, precision, arguments)
        group.send(work)
        result = _join(work)
        group.working = False
        return result
    if processes == 1:
        return function(Device(precision), *arguments)
    with tempfile.TemporaryDirectory() as errors:
        # Bound here: Fabric itself refuses to pass on frozen dataclasses.
        enter = partial(_enter, function, arguments, Path(errors))
        try:
            return new_fabric(precision, processes).launch(enter)
        except ProcessRaisedException as error:
            raised = Path(errors, str(error.error_index))
            if not raised.exists():
                raise
            raise pickle.loads(raised.read_bytes()) from error


def follow_rank_zero(group: torchrun.ProcessGroup) -> None:
    """Do the work that rank 0 sends until it ends the command; called in every other rank."""
    while isinstance(order := group.receive(), torchrun.Work):
        _join(order)


def _join(work: torchrun.Work) -> Any:
    fabric = new_fabric(work.precision, torchrun.given_processes() or 1)
    fabric.launch()
    return work.function(Device(fabric=fabric), *work.arguments)


def _enter(
    function: Callable[..., Any], arguments: tuple[Any, ...], errors: Path, fabric: Fabric
) -> Any:
    # torch interrupts its processes when the one that started them dies. A shell that runs a
    # command in the background has it ignore interrupts, and they would train on by themselves.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = function(Device(fabric=fabric), *arguments)
    except Exception as error:
        with contextlib.suppress(Exception):  # torch prints what cannot be pickled
            content = pickle.dumps(error)
            (errors / str(fabric.global_rank)).write_bytes(content)
        raise
    # A process that ends while threads of the exchange still run in it is aborted now and then.
    fabric.barrier()
    torch.distributed.destroy_process_group()
    return result


def keep_freed_memory() -> bool:
    """Keep the memory of freed tensors in this process, for the next training step to use again.

    By default glibc hands larger blocks back to the system, and every activation of every step is
    paid for again in page faults: measured, up to a fifth of a GAN step's time on a CPU. False
    where there is no glibc and nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:  # musl
        return False
    settings = (
        (-3, 32 * 1024**2),  # M_MMAP_THRESHOLD in bytes: the highest value that glibc accepts
        (-1, 2**31 - 1),  # M_TRIM_THRESHOLD: never give anything back
        (-2, 256 * 1024**2),  # M_TOP_PAD: bytes by which the heap grows at once
    )
    return all([mallopt(parameter, value) == 1 for parameter, value in settings])
