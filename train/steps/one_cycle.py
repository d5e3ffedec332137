"""Supervised training by AdamW under a one-cycle schedule, which goes on after a kill."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop


def train_one_cycle(
    network: nn.Module,
    folder: StageFolder,
    progress: Progress,  # its total is the number of steps
    loss_of: Callable[[int], Tensor],
    learning_rate: float | Sequence[dict[str, Any]],
    rise: float = 0.3,
) -> None:
    """Train (or go on training) the network in place; leaves it in evaluation mode.

    `loss_of(step)` must be a function of the step and the weights alone. `learning_rate` is the
    highest one, reached after the share `rise` of the steps; or several, as `torch.optim` takes
    groups of parameters: `params` and `lr` of each.
    """
    groups: list[dict[str, Any]] = [{"params": network.parameters(), "lr": learning_rate}]
    if isinstance(learning_rate, Sequence):
        groups = list(learning_rate)
    optimiser = torch.optim.AdamW(groups)
    rates = [group["lr"] for group in optimiser.param_groups]
    if rise * progress.total == 1:
        rise *= 0.9  # else it would end with the first step, have no length, and torch divide by it
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, total_steps=progress.total, pct_start=rise
    )
    parts = {"model": network, "optimiser": optimiser, "schedule": schedule}

    def restore(checkpoint: dict) -> None:
        for name, part in parts.items():
            part.load_state_dict(checkpoint[name])

    loop = StepLoop(
        folder, progress.total, lambda: {name: part.state_dict() for name, part in parts.items()}
    )
    loop.resume(restore)
    for step in loop:
        loss = loss_of(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.tick(step + 1, loss=loss.detach())
    network.eval()
