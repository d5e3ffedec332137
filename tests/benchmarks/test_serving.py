"""The serving benchmark, shortly: what it writes, and that no process of it is left."""

import json
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from service.model import bundle
from service.model.manifest import INVERSE_GRAPHICS
from service.settings import SHIPPED_BUNDLE
from tests.benchmarks.serving import idle, wire
from tests.benchmarks.serving.__main__ import main, summary
from tests.benchmarks.serving.larger_bundle import write_larger_bundle
from tests.benchmarks.serving.load import Turn
from tests.benchmarks.serving.report import as_markdown
from tests.benchmarks.serving.servers import ended_wholly
from tests.benchmarks.serving.session import open_graph

pytestmark = pytest.mark.slow

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal, time; "
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"])
time.sleep(60)
"""


@pytest.mark.server
def test_a_short_run_compares_the_servers_and_leaves_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(idle, "CALLS", 3)
    shortly = "--seconds 0.3 --turns 1 --loads 8x1 --batch 2 --photograph-loads 2x1"
    main([*shortly.split(), "--bundles", "shipped", "--out", str(tmp_path)])
    metrics = json.loads((tmp_path / "serving.json").read_text())
    with_bytes = {"no server, bytes", "this service, bytes"}
    assert {"bare", "this service", "BentoML batchable"} | with_bytes <= set(metrics["raw"])
    for found in metrics["raw"].values():
        assert found["8x1"]["cpu_ms_per_image"] > 0
        assert 1 <= found["8x1"]["mean_batch"] <= 32
        assert found["8x1"]["p99_ms"] >= found["8x1"]["p50_ms"] > 0
    assert metrics["raw"]["bare"]["8x1"]["share_of_bare"] == 1
    (found,) = metrics["photographs"].values()
    assert found["jpeg_to_glb_over_bare"] > 1
    for name in ("idle", "bare_asgi_in_threads", "bare_asgi_inline"):
        assert found[f"{name}_ms"] > 0
        assert found[f"{name}_over_stages"] > 1
    load = found["loads"]["2x1"]
    assert load["images_per_second"] > 0
    assert load["cores"] >= load["event_loop_cores"] > 0
    assert load["segment_run_ms"] > 0 and load["decode_ms"] > 0
    assert 1 <= load["reconstruct_mean_batch"] <= 2
    table = (tmp_path / "serving.md").read_text()
    assert "| shipped, clients x photographs | 2x1 |" in table
    assert "| this service 8x1 |" in table
    assert "| share of bare at 4x32, bytes, 0.98 or more | not measured |" in table
    commands = [" ".join(each.cmdline()) for each in psutil.Process().children(recursive=True)]
    assert not [command for command in commands if "serv" in command]


def test_the_larger_bundle_gives_the_same_numbers_and_takes_longer(tmp_path):
    folders = SHIPPED_BUNDLE, write_larger_bundle(tmp_path / "larger")
    resolution = bundle.load(folders[1]).manifest.resolution
    random = np.random.default_rng(0)
    feed = {
        "images": random.integers(0, 256, (2, resolution, resolution, 3), np.uint8),
        "masks": np.ones((2, resolution, resolution), np.float32),
    }
    outputs, seconds = [], []
    for folder in folders:
        session = open_graph(str(folder / f"{INVERSE_GRAPHICS}.onnx"), 1, "cpu")
        outputs.append(session.run(None, feed))
        began = time.process_time()
        for _ in range(5):
            session.run(None, feed)
        seconds.append(time.process_time() - began)
    for first, second in zip(*outputs, strict=True):
        assert np.allclose(first, second, atol=1e-5)
    assert seconds[1] > 1.5 * seconds[0]


def test_on_a_gpu_the_share_is_of_images_a_second_and_no_goal_is_judged():
    bare, ours = Turn(2.0, 400.0, [0.1], 1, 1), Turn(4.0, 300.0, [0.1], 1, 1)
    assert summary([ours], [bare])["share_of_bare"] == 0.5
    metrics = summary([ours], [bare], "cuda")
    assert metrics["share_of_bare"] == 0.75
    table = as_markdown({"device": "cuda", "raw": {"this service": {"8x1": metrics}}})
    assert "| this service 8x1 | 300.00 | 4.00 | 0.75 |" in table
    assert "goal" not in table


def test_loads_are_clients_and_images(capsys):
    with pytest.raises(SystemExit):
        main(["--loads", "8"])
    assert "'8' is not clients x images, as in 32x1" in capsys.readouterr().err


@pytest.mark.parametrize("form", [wire.JSON, wire.BYTES])
def test_what_is_written_is_read(form):
    images = wire.request_images(3)
    assert np.array_equal(np.stack(form.read_request(form.write_request(images))), images)
    outputs = np.arange(3 * wire.OUTPUTS, dtype=np.float32).reshape(3, wire.OUTPUTS)
    answer = form.write_answer([*zip(outputs, (2, 1, 32), strict=True)])
    assert list(form.batch_sizes(answer)) == [2, 1, 32]
    assert len(answer) >= outputs.nbytes


def test_descendants_that_ignore_sigterm_are_ended_too(monkeypatch):
    monkeypatch.setattr("tests.benchmarks.serving.servers.STOP_SECONDS", 0.5)
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    with parent, ended_wholly(parent.pid):
        assert parent.stdout.readline() == b"up\n"
        (child,) = psutil.Process(parent.pid).children()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert parent.poll() is not None
