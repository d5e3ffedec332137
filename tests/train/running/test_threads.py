import pytest
import torch

from train.running import threads


@pytest.fixture(autouse=True)
def unchanged():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def cores(monkeypatch):
    """A machine of four cores without a GPU, on which nobody has chosen."""
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1, 2, 3})
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)


@pytest.mark.parametrize(
    ("measured", "wanted"),
    [
        ({1: 10.0, 2: 19.0, 4: 35.0}, 4),
        ({1: 10.0, 2: 1.5, 4: 0.7}, 1),  # another process keeps a core busy
        ({1: 10.0, 2: 18.0, 4: 19.0}, 2),  # the cores are half as many as the threads
        ({1: 10.0, 2: 10.5, 4: 10.9}, 1),
    ],
)
def test_more_threads_are_taken_where_they_are_worth_it(cores, monkeypatch, measured, wanted):
    monkeypatch.setattr(threads, "steps_per_second", measured.__getitem__)
    chosen = threads.choose(0)
    assert chosen.number == wanted == torch.get_num_threads()
    assert f"{measured[1]:.1f} with 1" in chosen.line() and "--threads" in chosen.line()


def test_a_setting_or_openmp_s_variable_forces_the_number(cores, monkeypatch):
    monkeypatch.setattr(threads, "steps_per_second", None)  # nothing is measured
    assert threads.choose(3) == (3, "as --threads says")
    assert torch.get_num_threads() == 3
    monkeypatch.setenv(threads.VARIABLE, "3")
    assert threads.choose(0) == (3, "as OMP_NUM_THREADS says")


def test_the_measurement_is_short_and_of_the_threads_it_was_asked_for(monkeypatch):
    monkeypatch.setattr(threads, "SECONDS", 0.01)
    assert threads.steps_per_second(1) > 0
    assert torch.get_num_threads() == 1


def test_on_a_gpu_nothing_is_measured(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert threads.choose(0) is None
