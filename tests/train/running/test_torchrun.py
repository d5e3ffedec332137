"""Processes that torchrun started share the training, and all else is done once."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train import torchrun_program
from train import cycle
from train.models.weights import load_generator
from train.running.workspace import Workspace, WorkspaceError

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
RATE = 1e-4
"""Slow, so that what rounding does to Adam's first steps does not grow."""
SETTINGS = [
    "photographs.size=32", "photographs.count=64", "gan.kimg=0.08", "gan.batch_size=8",
    "gan.init=scratch", "gan.precision=float32", f"gan.learning_rate={RATE}",
    "rounds=1",
]  # fmt: skip


def torchrun(*arguments):
    """Two processes of a module, begun."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "--", *map(str, arguments),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*arguments):
    """Two processes of a module, ended: torchrun's status, what was printed, what was said."""
    begun = torchrun(*arguments)
    printed, said = begun.communicate(timeout=240)
    return begun.returncode, printed, said


@pytest.fixture(scope="module")
def courses_then_failure(tmp_path_factory):
    """A folder with the courses of two processes, of which one failed then; torchrun's status, and
    what was said."""
    folder = tmp_path_factory.mktemp("shared")
    status, _, said = ended("tests.train.torchrun_program", "courses", folder)
    return folder, status, said


def test_two_processes_follow_the_loss_curves_of_one(courses_then_failure, tmp_path):
    folder, _, said = courses_then_failure
    assert (folder / "courses.json").exists(), said
    torchrun_program.courses(tmp_path)
    shared, alone = (json.loads((each / "courses.json").read_text()) for each in (folder, tmp_path))
    assert (shared["processes"], alone["processes"]) == (2, 1)
    # They wait for each other through stages that the first one runs alone.
    assert shared["patience_hours"] > 7 * 24
    np.testing.assert_allclose(shared["gan"], alone["gan"], rtol=2e-3)
    # The statistics of batch normalisation are those of a process's part.
    np.testing.assert_allclose(shared["inverse"], alone["inverse"], rtol=0.05)
    for name in ("gan", "inverse"):
        assert np.ptp(alone[name]) > 0.05 * np.mean(alone[name])  # there is a curve to follow


def cycle_arguments(folder):
    given = [f"--{setting}" for setting in SETTINGS]
    return ["--preset", "smoke", "--stages", "photographs,gan", "--run", str(folder), *given]


def wait_until(condition):
    deadline = time.monotonic() + 200
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def generator_of(folder):
    path = Workspace(folder).stage("gan").require("generator.safetensors")
    return torch.cat([value.flatten() for value in load_generator(path).state_dict().values()])


def test_a_killed_cycle_goes_on_with_torchrun_and_without(tmp_path, capsys):
    unbroken, killed, alone = (tmp_path / name for name in ("unbroken", "killed", "alone"))
    begun = torchrun("tests.train.torchrun_program", "cycle", *cycle_arguments(killed))
    folder = Workspace(killed).stage("gan")
    assert wait_until(lambda: (folder.path / "checkpoint.pt").exists() or begun.poll() is not None)
    begun.kill()  # torchrun; its processes go with it, and so does the first one's lock
    _, said = begun.communicate(timeout=60)
    assert said.count("photographs  r0  starts") == said.count("starts from scratch") == 1
    assert not folder.done
    assert wait_until(lambda: free(killed))
    shutil.copytree(killed, alone)
    status, printed, said = ended("train.cycle", *cycle_arguments(killed))
    assert status == 0, said
    assert printed.count("done: stages photographs,gan in") == 1
    assert said.count("gan          r0  goes on from step") == 1
    assert "photographs  r0" not in said
    assert cycle.main(cycle_arguments(alone)) == cycle.main(cycle_arguments(unbroken)) == 0
    assert "goes on from step" in capsys.readouterr().err
    for other in (killed, alone):
        apart = (generator_of(other) - generator_of(unbroken)).abs()
        # Rounding decides the sign of gradients near zero, which Adam's first steps follow.
        assert (apart > RATE).float().mean() < 0.02


def free(folder):
    try:
        with Workspace(folder).lock():
            return True
    except WorkspaceError:
        return False


def test_what_fails_in_one_process_ends_all_and_is_said_once(courses_then_failure):
    folder, status, said = courses_then_failure
    assert status != 0 and said.count("train.cycle: process 1 cannot go on") == 1
    assert "Root Cause" in said and "exitcode  : 2" in said.partition("Root Cause")[2]
    assert "RuntimeError" not in said
    assert time.time() - (folder / "courses.json").stat().st_mtime < 120


def test_what_the_first_process_refuses_comes_once(tmp_path):
    arguments = [*cycle_arguments(tmp_path), "--gan.processes", "3"]
    status, _, said = ended("train.cycle", *arguments)
    assert status != 0 and "exitcode  : 2" in said.partition("Root Cause")[2]
    assert said.count("3 processes were asked for and torchrun started 2: leave --gan.proc") == 1
