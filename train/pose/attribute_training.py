"""How attribute networks are taught: by Adam under a one-cycle schedule, in a few minutes."""

from collections.abc import Callable

import torch
from torch import Tensor

from train.models.attributes import AttributeNetwork
from train.running.device import Device
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop

BATCH = 32
LEARNING_RATE = 2e-3


def train_attributes(
    network: AttributeNetwork,
    folder: StageFolder,
    steps: int,
    progress: Progress,
    loss_of: Callable[[int], Tensor],
) -> None:
    """Train (or go on training) the network in place.

    `loss_of(step)` must be a function of the step and the weights alone.
    """
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    parts = {"model": network, "optimiser": optimiser, "schedule": schedule}
    loop = StepLoop(
        folder, steps, lambda: {name: part.state_dict() for name, part in parts.items()}
    )
    if (checkpoint := folder.load_checkpoint()) is not None:
        for name, part in parts.items():
            part.load_state_dict(checkpoint[name])
        loop.first = checkpoint["step"]
    device = Device()
    for step in loop:
        with device.autocast():
            loss = loss_of(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.tick(step + 1, classifier_loss=loss.detach())
