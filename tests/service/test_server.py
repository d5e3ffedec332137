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


def test_a_server_answers_meters_and_drains(bundle_folder, tmp_path):
    with serving(tmp_path / "home", settings(bundle_folder)) as (address, process, _):
        answer = post(address, 8)
        assert answer.status_code == 200
        assert answer.json()["succeeded"] == 8
        rendered = http.post(
            f"{address}/v1/render",
            json={"reconstruction": {"npz": npz(address)}, "renderer": "gan"},
            timeout=60,
        )
        assert rendered.status_code == 200
        for number in range(20):
            assert http.get(f"{address}/v1/jobs/{number}").status_code == 404
            assert http.get(f"{address}/v1/{number}").status_code == 404
        metrics = http.get(f"{address}/metrics", timeout=60).text
        for line in METRICS:
            assert line in metrics
        # What clients ask for makes no series of its own.
        assert "jobs/1" not in metrics and metrics.count("inverse_graphics_requests_total{") == 4
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


def test_the_built_bento_serves_from_the_store(bundle_folder, tmp_path):
    home = tmp_path / "home"
    build = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
    offline = {
        **environment(home, settings(bundle_folder)),
        "UV_OFFLINE": "1",
        "http_proxy": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
    }
    done = subprocess.run(
        build, cwd=ROOT, env=offline, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tag = done.stdout.strip().splitlines()[-1].removeprefix("__tag__:")
    bento = home / "bentos" / tag.replace(":", os.sep)
    assert {path.name for path in (bento / "src").iterdir()} == {
        "LICENSE", "bentofile.yaml", "graphics", "service",
    }  # fmt: skip
    assert "onnxruntime-gpu" in (bento / "env" / "python" / "requirements.txt").read_text()
    with serving(home, settings(bundle_folder), tag, tmp_path) as (address, _, _):
        assert post(address, 2).json()["succeeded"] == 2


def test_the_bundle_can_come_from_the_model_store(bundle_folder, tmp_path):
    register = (
        "import sys; import service.model.bundle as b; print(b.register(sys.argv[1], 'served'))"
    )
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", register, str(bundle_folder)],
        cwd=ROOT,
        env=environment(home, settings(bundle_folder)),
        capture_output=True,
        text=True,
        check=True,
    )
    location = done.stdout.strip().splitlines()[-1]
    assert bentoml.Tag.from_str(location.removeprefix("bentomodel:")).name == "served"
    with serving(home, settings(location)) as (address, _, _):
        assert http.get(f"{address}/v1/model").json()["manifest"]["category"] == "ellipses"
