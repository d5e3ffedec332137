"""Jobs of a real `bentoml serve` that is killed."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from service.process import serving, stop
from tests.service.requests import http, jpeg

pytestmark = pytest.mark.server


def kill(process):
    """The server and its worker, which would outlive it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (process.pid, *map(int, children)):
        os.kill(pid, signal.SIGKILL)
    process.wait()


def objects_of(address, job, seconds=200):
    """The objects of a job in its results, once it is done."""
    deadline = time.monotonic() + seconds
    while http.get(f"{address}/v1/jobs/{job['id']}", timeout=60).json()["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    accept = {"accept": "application/x-ndjson"}
    results = http.get(f"{address}/v1/jobs/{job['id']}/results", headers=accept, timeout=120)
    lines = [json.loads(line) for line in results.text.splitlines()]
    return [line for line in lines if "photographs" in line]


def test_a_job_goes_on_after_a_kill(bundle_folder, tmp_path):
    settings = {
        "INVERSE_GRAPHICS_BUNDLE": str(bundle_folder),
        "INVERSE_GRAPHICS_SEGMENTER": "bundle",
        "INVERSE_GRAPHICS_DEVICE": "cpu",
        "INVERSE_GRAPHICS_JOBS_FOLDER": str(tmp_path / "jobs"),
    }
    count = 120
    files = [("images", (f"{i}.jpg", jpeg())) for i in range(count - 1)]
    files.append(("images", ("broken.jpg", b"junk")))
    objects = {"object": [f"object {number // 3}" for number in range(count)]}
    with serving(tmp_path / "home", settings) as (address, process, _):
        fused = http.post(f"{address}/v1/jobs", files=files, data=objects, timeout=120).json()
        job = http.post(f"{address}/v1/jobs", files=files, timeout=120).json()
        body = http.get(f"{address}/v1/jobs/{job['id']}?limit=1", timeout=60).json()
        while body["succeeded"] < 20:
            time.sleep(0.05)
            body = http.get(f"{address}/v1/jobs/{job['id']}?limit=1", timeout=60).json()
        assert body["state"] == "running"
        before = body["succeeded"]
        kill(process)
    with serving(tmp_path / "home", settings) as (address, process, _):
        answer = http.get(f"{address}/v1/jobs/{job['id']}", timeout=60)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["succeeded"] >= before
        deadline = time.monotonic() + 200
        while body["state"] == "running":
            assert time.monotonic() < deadline, body["progress"]
            time.sleep(0.2)
            body = http.get(f"{address}/v1/jobs/{job['id']}", timeout=60).json()
        assert (body["state"], body["succeeded"], body["failed"]) == ("done", count - 1, 1)
        lines = http.get(
            f"{address}/v1/jobs/{job['id']}/results",
            headers={"accept": "application/x-ndjson"},
            timeout=120,
        ).text.splitlines()
        assert len(lines) == count + 1
        answered = objects_of(address, fused)
        assert [one["name"] for one in answered] == [f"object {i}" for i in range(count // 3)]
        numbers = [each["index"] for one in answered for each in one["photographs"]]
        assert numbers == list(range(count))
        assert stop(process) == 0
