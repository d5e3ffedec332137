"""The processes that torchrun gives a command, in place of those that `launch` starts itself.

    torchrun --nproc-per-node 8 -m -- train.cycle --preset gpu --run runs/large

Rank 0 runs the stages as if it were alone. Where a stage shares its work out, rank 0 sends the
function and its arguments to the other ranks; in between they wait.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from torch.distributed.rendezvous import rendezvous
from torch.multiprocessing import _prctl_pr_set_pdeathsig  # pyright: ignore[reportAttributeAccessIssue]

LONGEST_WAIT = timedelta(days=14)
"""How long a rank waits for its next work: a stage that rank 0 runs alone may take hours."""
EXIT_KEY = "exit"
"""Key of the store under which the first rank that fails amid shared work leaves its status."""


class Work(NamedTuple):
    """What rank 0 sends the other ranks to do."""

    function: Callable[..., Any]
    """A module's own function of a `train.running.device.Device` and the arguments."""
    precision: str
    arguments: tuple[Any, ...]


class Exit(NamedTuple):
    """How a process ends."""

    status: int
    reports: bool  # whether this rank is the one that prints why


def given_processes() -> int | None:
    """How many processes torchrun started; None where this one was started without it."""
    return int(os.environ["WORLD_SIZE"]) if TorchElasticEnvironment.detect() else None


class ProcessGroup:
    """The processes of torchrun, on whichever machines, and the channel on which work is sent."""

    def __init__(self) -> None:
        """Waits for the other ranks; called once, in each of them."""
        if sys.platform == "linux":  # else a killed torchrun would leave its processes training
            _prctl_pr_set_pdeathsig(signal.SIGTERM)
        backend = "gloo"
        if torch.cuda.is_available():
            backend = "cuda:nccl,cpu:gloo"
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        self.store, self.rank, count = next(rendezvous("env://"))
        dist.init_process_group(backend, store=self.store, rank=self.rank, world_size=count)
        # A channel of its own: the training's exchanges may not wait as long as this one does.
        self.channel: Any = dist.new_group(backend="gloo", timeout=LONGEST_WAIT)
        self.is_rank_zero = self.rank == 0
        self.working = False
        self.ended: int | None = None  # the exit status that rank 0 has sent

    def send(self, order: Work | int) -> None:
        """Tell the other ranks what comes next, work or the exit status; called by rank 0."""
        self.working = isinstance(order, Work)
        dist.broadcast_object_list([order], src=0, group=self.channel)

    def receive(self) -> Work | int:
        """Wait for what rank 0 sends; called by the other ranks."""
        sent: list[Any] = [None]
        dist.broadcast_object_list(sent, src=0, group=self.channel)
        (order,) = sent
        self.working = isinstance(order, Work)
        self.ended = None if self.working else order
        return order

    def agree(self, status: int) -> Exit:
        """Turn this rank's exit status into the one that all end with; called by all."""
        if self.working:
            return self._fail(status)
        if self.ended is not None:
            return Exit(self.ended, reports=False)
        return Exit(status, reports=self.is_rank_zero)

    def close(self, status: int) -> None:
        """Leave the process group; called by all, after the report.

        Where one process is gone, torchrun ends those that are not.
        """
        if self.working:  # the others may wait for this rank's shard
            return
        if self.is_rank_zero:
            self.send(status)
        dist.destroy_process_group()

    def _fail(self, status: int) -> Exit:
        own = f"{status} of {self.rank}"
        with contextlib.suppress(dist.DistError):
            first = self.store.compare_set(EXIT_KEY, "", own).decode()
            return Exit(int(first.split()[0]), reports=first == own)
        # The store went with the first rank that failed, which has printed why.
        return Exit(status, reports=False)


@cache
def process_group() -> ProcessGroup | None:
    """The process group of this command, joined on the first call; None without torchrun."""
    return None if given_processes() is None else ProcessGroup()
