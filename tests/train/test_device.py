import pytest
import torch

from train import device
from train.device import Device, launch, processes_for


def partial_sums(at: Device, values: list[float]) -> tuple[list[float], bool]:
    part = torch.tensor(values)[at.part(len(values))]
    lone, pair = part.sum(), part[:2].clone()
    at.average([lone, pair])
    return [float(lone), *pair.tolist()], at.leads


def failing(at: Device) -> None:
    raise RuntimeError(f"process {at.fabric.global_rank} cannot go on")


def test_one_process_takes_everything_and_averages_nothing():
    assert launch(partial_sums, 1, "float32", [1.0, 2.0, 3.0, 4.0]) == ([10.0, 1.0, 2.0], True)


def test_processes_take_items_in_turn_and_average():
    means, leads = launch(partial_sums, 2, "float32", [1.0, 2.0, 3.0, 4.0])
    assert means == [5.0, 1.5, 3.5] and leads


def test_an_error_in_a_process_is_raised_with_its_text():
    with pytest.raises(Exception, match="cannot go on"):
        launch(failing, 2, "float32")


@pytest.mark.parametrize(
    ("cores", "batch", "wanted"), [(1, 32, 1), (2, 32, 2), (2, 8, 1), (16, 32, 4), (3, 32, 2)]
)
def test_a_batch_is_shared_by_as_many_processes_as_gain_from_it(monkeypatch, cores, batch, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda _: set(range(cores)))
    assert processes_for(batch) == wanted
