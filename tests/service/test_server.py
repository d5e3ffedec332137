import io
import os
import signal
import subprocess
import sys
import threading
import time

import bentoml
import pytest

from service.process import ROOT, environment, serving, stop
from tests.service.requests import http
from tests.service.small_bundle import draw_photograph

pytestmark = pytest.mark.server


def jpeg():
    file = io.BytesIO()
    draw_photograph(900, 600).save(file, "JPEG")
    return file.getvalue()


def post(address, count):
    files = [("images", (f"{i}.jpg", jpeg())) for i in range(count)]
    return http.post(f"{address}/v1/reconstruct", files=files, timeout=60)


METRICS = (
    'inverse_graphics_items_total{outcome="ok"} 9.0',
    'inverse_graphics_batch_size_images_count{runner="stylegan_r"} 1.0',
    'inverse_graphics_queue_wait_seconds_bucket{le="0.001",runner="segmenter"}',
    'inverse_graphics_dispatches_total{reason="idle",runner="segmenter"}',
    'inverse_graphics_stage_seconds_count{stage="decode"} 9.0',
    "inverse_graphics_in_flight_images 0.0",
    'inverse_graphics_device_memory_bytes{device="cpu"}',
    'inverse_graphics_requests_total{route="/v1/reconstruct",status="200"} 2.0',
    'inverse_graphics_requests_total{route="/v1/jobs/{id}",status="404"} 20.0',
    'inverse_graphics_request_seconds_count{route="/v1/render"} 1.0',
    'inverse_graphics_refusals_total{code="unknown_job"} 20.0',
)


def settings(location):
    return {
        "INVERSE_GRAPHICS_BUNDLE": str(location),
        "INVERSE_GRAPHICS_SEGMENTER": "bundle",
        "INVERSE_GRAPHICS_DEVICE": "cpu",
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """BentoML's own folder, with its stores of services and of models."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def tag(bundle_folder, home):
    """Of the service, built into the store without a network."""
    offline = {
        **environment(home, settings(bundle_folder)),
        "UV_OFFLINE": "1",
        "http_proxy": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
    }
    printed = run(["-m", "bentoml", "build", "--output", "tag"], offline)
    return printed.removeprefix("__tag__:")


@pytest.fixture(scope="module")
def location(bundle_folder, home):
    """Of the bundle in the model store."""
    register = (
        "import sys; import service.model.bundle as b; print(b.register(sys.argv[1], 'served'))"
    )
    return run(["-c", register, str(bundle_folder)], environment(home, settings(bundle_folder)))


@pytest.fixture(scope="module")
def served(home, tag, location, tmp_path_factory):
    with serving(home, settings(location), tag, tmp_path_factory.mktemp("elsewhere")) as opened:
        yield opened


def run(arguments, variables):
    """The last line that a Python of its own prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_the_built_bento_holds_the_service_and_what_it_needs(home, tag):
    bento = home / "bentos" / tag.replace(":", os.sep)
    assert {path.name for path in (bento / "src").iterdir()} == {
        "LICENSE", "bentofile.yaml", "graphics", "service",
    }  # fmt: skip
    assert "onnxruntime-gpu" in (bento / "env" / "python" / "requirements.txt").read_text()


def test_the_bento_serves_a_bundle_of_the_model_store(location, served):
    assert bentoml.Tag.from_str(location.removeprefix("bentomodel:")).name == "served"
    model = http.get(f"{served.address}/v1/model").json()
    assert model["manifest"]["category"] == "ellipses"


def test_a_server_answers_meters_and_drains(served):
    address, process, _ = served
    answer = post(address, 8)
    assert answer.status_code == 200
    assert answer.json()["succeeded"] == 8
    rendered = http.post(
        f"{address}/v1/render",
        json={"reconstruction": {"npz": npz(address)}, "renderer": "gan"},
        timeout=60,
    )
    assert rendered.status_code == 200
    assert http.get(f"{address}/v1/model").status_code == 200
    for number in range(20):
        assert http.get(f"{address}/v1/jobs/{number}").status_code == 404
        assert http.get(f"{address}/v1/{number}").status_code == 404
    metrics = http.get(f"{address}/metrics", timeout=60).text
    for line in METRICS:
        assert line in metrics
    # What clients ask for makes no series of its own.
    assert "jobs/1" not in metrics and metrics.count("inverse_graphics_requests_total{") == 5
    assert every_accepted_request_is_answered(address, process)
    assert stop(process) == 0


def npz(address):
    files = {"images": ("a.jpg", jpeg())}
    answer = http.post(f"{address}/v1/reconstruct", files=files, data={"format": "npz"})
    return answer.json()["images"][0]["mesh"]["data"]


def every_accepted_request_is_answered(address, process):
    """SIGTERM while 64 images are in flight."""
    answers = []
    client = threading.Thread(target=lambda: answers.append(post(address, 64)))
    client.start()
    deadline = time.monotonic() + 30
    while "inverse_graphics_in_flight_images 64.0" not in http.get(f"{address}/metrics").text:
        assert time.monotonic() < deadline
        if answers:  # answered between two looks: nothing left to interrupt
            break
    process.send_signal(signal.SIGTERM)
    client.join(60)
    return answers[0].status_code == 200 and answers[0].json()["succeeded"] == 64
