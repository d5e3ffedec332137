"""A graph that fails on every input, as after a CUDA error that outlasts all runs.

Reports of the kind: Triton stays ready while ONNX Runtime fails on every request until somebody
restarts it (triton-inference-server/server 6037, 7164); batches of a queue are used up meanwhile.
"""

import pytest
from PIL import Image

from service import api
from service.model import health
from tests.service.jobs.test_worker import create, ended
from tests.service.requests import jpeg, png, post
from tests.service.small_bundle import POISON_GREY


class Device:
    """Fails every run of a session while it is broken."""

    def __init__(self, session):
        self.broken = False
        self._run = session._run
        self.runs = 0

    def __call__(self, names, feed):
        self.runs += 1
        if self.broken:
            raise RuntimeError("CUDA failure 700: an illegal memory access was encountered")
        return self._run(names, feed)


@pytest.fixture(params=[0, 1], ids=["segmenter", "inverse_graphics"])
def device(client, monkeypatch, request):
    runner = api.routes.state.engine.runners[request.param]
    made = Device(runner.session)
    monkeypatch.setattr(runner.session, "_run", made)
    monkeypatch.setattr(health, "TRY_AGAIN_SECONDS", 0.1)
    yield made
    made.broken = False
    runner.health.test()


def test_a_service_whose_graph_fails_is_not_ready_until_it_works(client, device, monkeypatch):
    device.broken = True
    answer = post(client, jpeg(), jpeg())
    assert answer.status_code == 500
    assert {image["error"]["code"] for image in answer.json()["images"]} == {"internal_error"}
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200
    answer = post(client, jpeg())
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "not_working"
    assert answer.headers["retry-after"] == "5"
    with monkeypatch.context() as late:
        late.setattr(api, "DEAD_AFTER_SECONDS", 0)  # nothing but a new process may help
        assert client.get("/livez").status_code == 503
    device.broken = False
    monkeypatch.setattr(health, "TRY_AGAIN_SECONDS", 0)
    assert client.get("/readyz").status_code == 200
    assert client.get("/livez").status_code == 200
    assert post(client, jpeg()).status_code == 200


def test_it_is_tried_again_where_nobody_asks_whether_it_is_ready(client, device):
    device.broken = True
    assert post(client, jpeg()).status_code == 500
    device.broken = False
    statuses = set()
    for _ in range(200):
        statuses.add(post(client, jpeg()).status_code)
        if 200 in statuses:
            break
    assert statuses <= {200, 503} and 200 in statuses


def test_a_broken_graph_is_not_run_more_often_than_now_and_then(client, device, monkeypatch):
    device.broken = True
    assert post(client, jpeg()).status_code == 500
    monkeypatch.setattr(health, "TRY_AGAIN_SECONDS", 100)
    before = device.runs
    for _ in range(5):
        client.get("/readyz")
        post(client, jpeg())
    assert device.runs == before


def test_no_image_of_a_job_is_used_up_meanwhile(client, device):
    device.broken = True
    assert post(client, jpeg()).status_code == 500
    job = create(client, *(jpeg(colour=(50 + number, 0, 0)) for number in range(5)))
    body = client.get(f"/v1/jobs/{job['id']}").json()
    assert (body["state"], body["waiting"]) == ("running", 5)
    device.broken = False
    body = ended(client, job)
    assert (body["succeeded"], body["failed"]) == (5, 0)


def test_the_image_that_found_it_is_done_again_too(client, device):
    device.broken = True
    job = create(client, jpeg())
    while not api.routes.state.engine.broken_seconds():
        client.get("/v1/model")
    assert client.get(f"/v1/jobs/{job['id']}").json()["waiting"] == 1
    device.broken = False
    assert ended(client, job)["succeeded"] == 1


def test_an_image_that_alone_is_to_blame_leaves_it_ready(client):
    poison = png(Image.new("RGB", (40, 40), (POISON_GREY,) * 3))
    assert post(client, poison).status_code == 500
    assert client.get("/readyz").status_code == 200
