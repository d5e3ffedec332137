import pytest
import torch
from torch import nn

from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace
from train.steps.one_cycle import train_one_cycle


@pytest.mark.parametrize(("steps", "rise"), [(1, 0.3), (1, 1.0), (2, 0.5), (3, 0.2), (5, 0.2)])
def test_however_few_steps_there_are_and_wherever_the_rise_ends_it_trains(tmp_path, steps, rise):
    torch.manual_seed(0)
    network = nn.Linear(2, 1)
    before = network.weight.clone()
    progress = Progress(Workspace(tmp_path), "tried", steps)
    folder = StageFolder(tmp_path / "tried")
    train_one_cycle(
        network, folder, progress, lambda step: network(torch.ones(2)).square().sum(), 0.1, rise
    )
    assert not network.weight.equal(before)
