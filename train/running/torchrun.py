"""The processes that torchrun gives a command, in place of those that `launch` starts itself.

    torchrun --nproc-per-node 8 -m -- train.cycle --preset gpu --run runs/large

The first process leads: it runs the stages as if it were alone. Where a stage shares its work out,
the others are sent the function and its arguments; in between they wait.
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
from lightning_fabric.plugins.environments import TorchElasticEnvironment
from torch.multiprocessing import _prctl_pr_set_pdeathsig

LONGEST_WAIT = timedelta(days=14)
"""Of a process for its next work: a stage that the first process runs alone may take hours."""
ENDING = "ending"
"""Key under which the first process that fails amid shared work says with which status."""


class Work(NamedTuple):
    """What the first process sends the others to do."""

    function: Callable[..., Any]
    """A module's own function of a `train.running.device.Device` and the arguments."""
    precision: str
    arguments: tuple[Any, ...]


class End(NamedTuple):
    """What the first process sends the others home with."""

    status: int
    """The command's exit status."""


class Ending(NamedTuple):
    """How a process ends."""

    status: int
    speaks: bool
    """Whether it is the one that says why."""


def given_processes() -> int | None:
    """How many processes torchrun started; None where this one was started without it."""
    return int(os.environ["WORLD_SIZE"]) if TorchElasticEnvironment.detect() else None


class ProcessGroup:
    """The given processes, on whichever machines, and the channel on which work is sent."""

    def __init__(self) -> None:
        """Meets the other processes; called once, in each of them."""
        if sys.platform == "linux":  # else a killed torchrun would leave its processes training
            _prctl_pr_set_pdeathsig(signal.SIGTERM)
        backend = "gloo"
        if torch.cuda.is_available():
            backend = "cuda:nccl,cpu:gloo"
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        self.store, self.rank, count = next(dist.rendezvous("env://"))
        dist.init_process_group(backend, store=self.store, rank=self.rank, world_size=count)
        # A channel of its own: the training's exchanges may not wait as long as this one does.
        self.channel = dist.new_group(backend="gloo", timeout=LONGEST_WAIT)
        self.is_rank_zero = self.rank == 0
        self.working = False
        self.sent_home: End | None = None

    def send(self, order: Work | End) -> None:
        """By the first process: what all do next."""
        self.working = isinstance(order, Work)
        dist.broadcast_object_list([order], src=0, group=self.channel)

    def receive(self) -> Work | End:
        """By the others: wait for it."""
        sent: list[Any] = [None]
        dist.broadcast_object_list(sent, src=0, group=self.channel)
        (order,) = sent
        self.working = isinstance(order, Work)
        if isinstance(order, End):
            self.sent_home = order
        return order

    def settle(self, status: int) -> Ending:
        """By all, at the end, with their own exit status; gives the one that all end with."""
        if self.working:
            return self._fail(status)
        if self.sent_home is not None:
            return Ending(self.sent_home.status, speaks=False)
        return Ending(status, speaks=self.is_rank_zero)

    def leave(self, status: int) -> None:
        """By all, once all is said: where one process is gone, torchrun ends those that are not."""
        if self.working:  # the others may wait for this process's share
            return
        if self.is_rank_zero:
            self.send(End(status))
        dist.destroy_process_group()

    def _fail(self, status: int) -> Ending:
        own = f"{status} of {self.rank}"
        with contextlib.suppress(dist.DistError):
            first = self.store.compare_set(ENDING, "", own).decode()
            return Ending(int(first.split()[0]), speaks=first == own)
        # The store went with the first process, which had said why.
        return Ending(status, speaks=False)


@cache
def process_group() -> ProcessGroup | None:
    """This process's crew, met on the first call; None without torchrun."""
    return None if given_processes() is None else ProcessGroup()
