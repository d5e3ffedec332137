"""The command on Ray, as a user calls it: killed, called again, called with something else."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("ray", reason="ray is not installed (extra batch)")

import pyarrow.parquet as pq

from service.process import ROOT
from tests.service.batch.test_making import contents
from tests.service.batch.test_objects import PHOTOGRAPHS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]  # Ray starts three times
SECONDS = 600


def command(photographs, results, *more):
    return [
        sys.executable, "-m", "service.batch", str(photographs), str(results), "--shard-size", "5",
        "--actors", "1", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def surroundings(bundle_folder):
    return {
        **os.environ,
        "INVERSE_GRAPHICS_BUNDLE": str(bundle_folder),
        "INVERSE_GRAPHICS_SEGMENTER": "bundle",
    }


def called(arguments, surroundings):
    return subprocess.run(
        arguments, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def unbroken(photographs, surroundings, tmp_path_factory):
    results = tmp_path_factory.mktemp("unbroken")
    done = called(command(photographs, results), surroundings)
    assert done.returncode == 1, done.stderr  # three of the photographs are bad
    return results, done.stderr


def outputs(results):
    """What the photographs became, without the report, which tells of the run."""
    return {
        name: content
        for name, content in contents(results).items()
        if name.startswith(("meshes/", "manifests/", "photographs."))
    }


def test_progress_and_report_tell_what_became_of_all(unbroken):
    results, told = unbroken
    assert "40 of 40 (100.0 %)" in told and "37 became meshes, 3 failed" in told
    facts = json.loads((results / "report.json").read_text())
    assert (facts["photographs"], facts["succeeded"]) == (40, 37)
    codes = ("unsupported_format", "empty_file", "internal_error")
    assert facts["failures"] == dict.fromkeys(codes, 1)
    assert facts["last_run"]["photographs"] == 40 and facts["last_run"]["seconds"] > 0
    assert (results / "worst.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert "| empty_file | 1 |" in (results / "report.md").read_text()


def test_killed_and_called_again_it_makes_each_output_once_to_the_same_bytes(
    unbroken, photographs, surroundings, tmp_path
):
    running = subprocess.Popen(
        command(photographs, tmp_path), cwd=ROOT, env=surroundings, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + SECONDS
    while not list(tmp_path.glob("manifests/*")):
        assert running.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    there = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("manifests/*")}
    done = called(command(photographs, tmp_path), surroundings)
    assert done.returncode == 1, done.stderr
    if len(there) < 8:
        assert f"of 8 shards are there: {40 - 5 * len(there)} photographs" in done.stderr
    assert outputs(tmp_path) == outputs(unbroken[0])
    for name, changed in there.items():
        assert (tmp_path / "manifests" / name).stat().st_mtime_ns == changed
    rows = [row for path in tmp_path.glob("manifests/*") for row in pq.read_table(path).to_pylist()]
    assert len({row["photograph"] for row in rows}) == len(rows) == 40


def test_folders_of_photographs_become_one_mesh_each(surroundings, tmp_path):
    for name, content in PHOTOGRAPHS.items():
        path = tmp_path / "photographs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    results = tmp_path / "results"
    sent = command(tmp_path / "photographs", results, "--objects", "folder", "--refine", "1")
    done = called(sent, surroundings)
    assert done.returncode == 1, done.stderr  # some of the photographs are bad
    assert "3 objects became meshes from 4 of 10 photographs, 6 failed" in done.stderr
    facts = json.loads((results / "report.json").read_text())
    assert (facts["meshes"], facts["left_out"]) == (3, {"duplicate": 1})
    assert len(list(results.rglob("*.glb"))) == 3


def test_a_folder_of_another_batch_is_refused(unbroken, photographs, surroundings):
    done = called(command(photographs, unbroken[0], "--format", "stl"), surroundings)
    assert done.returncode == 2
    assert "holds results of another batch (options was" in done.stderr
