import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from train.running import device
from train.running.device import Device, launch, processes_for

pytestmark = pytest.mark.slow


def partial_sums(at: Device, values: list[float]) -> tuple[list[float], bool]:
    part = torch.tensor(values)[at.shard(len(values))]
    lone, pair = part.sum(), part[:2].clone()
    at.average([lone, pair])
    return [float(lone), *pair.tolist()], at.is_rank_zero


def failing(at: Device, values: list[float]) -> None:
    raise LookupError(f"process {at.fabric.global_rank} found {partial_sums(at, values)}")


def test_one_process_takes_everything_and_averages_nothing():
    assert launch(partial_sums, 1, "float32", [1.0, 2.0, 3.0, 4.0]) == ([10.0, 1.0, 2.0], True)


def test_processes_take_items_in_turn_and_average_and_an_error_is_raised_as_what_it_is():
    found = r"process (0|1) found \(\[5\.0, 1\.5, 3\.5\], (True|False)\)"
    with pytest.raises(LookupError, match=found) as raised:
        launch(failing, 2, "float32", [1.0, 2.0, 3.0, 4.0])
    assert re.search(found, str(raised.value)).groups() in [("0", "True"), ("1", "False")]
    with pytest.raises(LookupError, match="process 0 found"):
        launch(failing, 1, "float32", [1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("cores", "batch", "wanted"), [(1, 32, 1), (2, 32, 2), (2, 8, 1), (16, 32, 4), (3, 32, 2)]
)
def test_a_batch_is_shared_by_as_many_processes_as_gain_from_it(monkeypatch, cores, batch, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda _: set(range(cores)))
    assert processes_for(batch) == wanted
    assert processes_for(batch, threaded=True) == 1


STARTER = """
import os, sys, time
from train.running.device import launch
from tests.train.running.test_device import waiting
if __name__ == "__main__":
    launch(waiting, 2, "float32", sys.argv[1])
"""


def waiting(at: Device, folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(120)


def alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_until(condition) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


@pytest.mark.skipif(sys.platform != "linux", reason="torch ties processes together on Linux alone")
def test_processes_end_with_the_one_that_started_them_also_in_the_background(tmp_path):
    script = tmp_path / "starter.py"
    script.write_text(STARTER)
    places = tmp_path / "processes"
    places.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    # What a shell does to a command that it runs in the background.
    begun = subprocess.Popen(
        [sys.executable, script, places],
        env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert wait_until(lambda: len(list(places.iterdir())) == 2)
    begun.kill()
    begun.wait()
    processes = [int(file.name) for file in places.iterdir()]
    assert wait_until(lambda: not any(map(alive, processes)))
