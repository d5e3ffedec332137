"""Jobs of a real `bentoml serve` that is killed."""

import signal
import time

import httpx
import pytest

from service.process import serving, stop
from tests.service.requests import jpeg

pytestmark = pytest.mark.server


def test_a_job_goes_on_after_a_kill(bundle_folder, tmp_path):
    settings = {
        "INVERSE_GRAPHICS_BUNDLE": str(bundle_folder),
        "INVERSE_GRAPHICS_DEVICE": "cpu",
        "INVERSE_GRAPHICS_JOBS_FOLDER": str(tmp_path / "jobs"),
    }
    count = 600
    files = [("images", (f"{i}.jpg", jpeg())) for i in range(count - 1)]
    files.append(("images", ("broken.jpg", b"junk")))
    with serving(tmp_path / "home", settings) as (address, process, _):
        job = httpx.post(f"{address}/v1/jobs", files=files, timeout=120).json()
        body = httpx.get(f"{address}/v1/jobs/{job['id']}?limit=1", timeout=60).json()
        while body["succeeded"] < 20:
            time.sleep(0.05)
            body = httpx.get(f"{address}/v1/jobs/{job['id']}?limit=1", timeout=60).json()
        assert body["state"] == "running"
        before = body["succeeded"]
        process.send_signal(signal.SIGKILL)
        stop(process)
    with serving(tmp_path / "home", settings) as (address, process, _):
        body = httpx.get(f"{address}/v1/jobs/{job['id']}", timeout=60).json()
        assert body["succeeded"] >= before
        deadline = time.monotonic() + 200
        while body["state"] == "running":
            assert time.monotonic() < deadline, body["progress"]
            time.sleep(0.2)
            body = httpx.get(f"{address}/v1/jobs/{job['id']}", timeout=60).json()
        assert (body["state"], body["succeeded"], body["failed"]) == ("done", count - 1, 1)
        lines = httpx.get(
            f"{address}/v1/jobs/{job['id']}/results",
            headers={"accept": "application/x-ndjson"},
            timeout=120,
        ).text.splitlines()
        assert len(lines) == count + 1
        assert stop(process) == 0
