"""Two replicas of the service on one store, behind a balancer that sends each call to the next."""

import itertools
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from service.process import serving
from tests.service.requests import jpeg

pytestmark = [pytest.mark.server, pytest.mark.slow]

CALLS = 300
MANY = 40
"""Photographs of a job that goes on while its replica is killed."""
LINES = {"accept": "application/x-ndjson"}


class RoundRobin(httpx.BaseTransport):
    """Sends each call to the next replica."""

    def __init__(self, addresses):
        self._targets = itertools.cycle([httpx.URL(address) for address in addresses])
        self._transport = httpx.HTTPTransport()

    def handle_request(self, request):
        target = next(self._targets)
        request.url = request.url.copy_with(host=target.host, port=target.port)
        return self._transport.handle_request(request)

    def close(self):
        self._transport.close()


@pytest.fixture
def replicas(bundle_folder, place, tmp_path):
    settings = {
        **place.environment(),
        "INVERSE_GRAPHICS_BUNDLE": str(bundle_folder),
        "INVERSE_GRAPHICS_SEGMENTER": "bundle",
        "INVERSE_GRAPHICS_DEVICE": "cpu",
        "INVERSE_GRAPHICS_THREADS": "1",
        "INVERSE_GRAPHICS_LEASE_SECONDS": "5",
    }
    with ExitStack() as held, ThreadPoolExecutor(2) as pool:

        def start(number):
            return held.enter_context(serving(tmp_path / f"home{number}", settings))

        yield list(pool.map(start, range(2)))


def kill(process):
    """The server and its worker, which would outlive it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (process.pid, *map(int, children)):
        os.kill(pid, signal.SIGKILL)
    process.wait()


def photographs(count):
    return [("images", (f"{i}.jpg", jpeg(colour=(9 * i % 250, 40, 40)))) for i in range(count)]


def ended(client, job):
    deadline = time.monotonic() + 240
    while (body := client.get(f"/v1/jobs/{job}").json())["state"] == "running":
        assert time.monotonic() < deadline, body
        time.sleep(0.1)
    return body


def test_any_replica_answers_for_all(replicas):
    balancer = RoundRobin([replica.address for replica in replicas])
    with httpx.Client(transport=balancer, base_url="http://service", timeout=120) as client:
        made = client.post("/v1/reconstruct", files=photographs(5), data={"links": "1"}).json()
        ids = [image["id"] for image in made["images"]]
        links = [image["mesh"]["data"] for image in made["images"]]
        key = {"Idempotency-Key": "sent-to-both"}
        jobs = [client.post("/v1/jobs", files=photographs(12), headers=key) for _ in range(2)]
        job = jobs[0].json()["id"]
        assert jobs[1].json()["id"] == job
        other = client.post("/v1/jobs", files=photographs(12)).json()["id"]
        asked = {"cameras": [{"azimuth_degrees": 30}], "size": 32}
        calls = [
            *(("GET", f"/v1/jobs/{name}", None) for name in (job, other)),
            *(("GET", link, None) for link in links),
            *(("POST", "/v1/render", {"reconstruction": {"id": name}, **asked}) for name in ids),
        ]
        statuses = [
            client.request(method, path, json=body).status_code
            for method, path, body in itertools.islice(itertools.cycle(calls), CALLS)
        ]
        assert statuses == [200] * CALLS
        assert ended(client, job)["succeeded"] == ended(client, other)["succeeded"] == 12
        # A killed replica costs no job.
        running = [client.post("/v1/jobs", files=photographs(MANY)).json()["id"] for _ in range(3)]
        kill(replicas[0].process)
    with httpx.Client(base_url=replicas[1].address, timeout=120) as client:
        for name in running:
            body = ended(client, name)
            assert (body["state"], body["succeeded"], body["failed"]) == ("done", MANY, 0)
            lines = client.get(
                f"/v1/jobs/{name}/results", headers={"accept": "application/x-ndjson"}
            )
            assert len(lines.text.splitlines()) == MANY + 1
        for link in links:
            assert client.get(link).status_code == 200
