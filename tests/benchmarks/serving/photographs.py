"""Photographs of 1,024 px into the service, GLBs out, against the bare graphs of the bundle."""

import contextlib
import http.client
import io
import json
import statistics
import tempfile
import time
import urllib.parse
from pathlib import Path

import numpy as np
from PIL import Image

from service import bundle
from service.process import serving
from service.settings import SHIPPED_BUNDLE
from tests.benchmarks.serving.load import cpu_seconds
from tests.benchmarks.serving.servers import Server, ended_wholly
from tests.benchmarks.serving.session import open_graph
from tests.benchmarks.serving.stages import under_load

SIDE = 1024
BOUNDARY = "photograph"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def photographs(folder: Path, options) -> dict[str, float | dict[str, dict[str, float]]]:
    """CPU milliseconds per image with a bundle, bare and end to end, and an idle service's
    latency; `loads`: what many clients at once get."""
    sample = sorted((SHIPPED_BUNDLE / bundle.SAMPLES_FOLDER).iterdir())[0]
    file = io.BytesIO()
    Image.open(sample).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    sessions = {
        name: open_graph(str(folder / f"{name}.onnx"), options.threads, options.device)
        for name in (bundle.SEGMENTER, bundle.INVERSE_GRAPHICS)
    }
    photograph, found, loads = file.getvalue(), {}, {}
    settings = {
        "INVERSE_GRAPHICS_BUNDLE": str(folder),
        "INVERSE_GRAPHICS_THREADS": str(options.service_threads or options.threads),
        "INVERSE_GRAPHICS_DEVICE": options.device,
    }
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), settings) as (address, process, _),
        ended_wholly(process.pid),
        # Whatever a client costs is not the service's: this one costs least.
        contextlib.closing(
            http.client.HTTPConnection(urllib.parse.urlparse(address).netloc, timeout=60)
        ) as client,
    ):
        for _ in range(options.turns + 1):
            turn = _turn(client, process.pid, photograph, sessions, options.batch)
            for name, value in turn.items():
                found.setdefault(name, []).append(value)
        for shape in options.photograph_loads:
            body = _form(photograph, int(shape.split("x")[1]))
            load = under_load(Server(address, process.pid), body, FORM, shape, options)
            loads[shape] = {name: round(value, 3) for name, value in load.items()}
    # The first turn warms up.
    medians = {name: round(statistics.median(values[1:]), 3) for name, values in found.items()}
    return {**medians, **({"loads": loads} if loads else {})}


def _turn(client, process, photograph, sessions, batch) -> dict[str, float]:
    bare, bare_rate = _bare(sessions, batch)
    client.close()  # the server closes connections that were idle for so long; it opens by itself
    one, many = _form(photograph, 1), _form(photograph, batch)
    used = cpu_seconds(process)
    for _ in range(3):
        _checked(*_post(client, many), batch)
    whole = 1e3 * (cpu_seconds(process) - used) / (3 * batch)
    ratios, latencies = [], []
    for _ in range(10):
        began = time.perf_counter()
        answer = _post(client, one)
        latencies.append(1e3 * (time.perf_counter() - began))
        (entry,) = _checked(*answer, 1)
        stages = sum(took for name, took in entry["timings"].items() if name != "total")
        ratios.append(latencies[-1] / stages)
    return {
        "bare_graphs_cpu_ms": bare,
        "bare_graphs_images_per_second": bare_rate,
        "jpeg_to_glb_cpu_ms": whole,
        "jpeg_to_glb_over_bare": whole / bare,
        "idle_ms": statistics.median(latencies),
        "idle_over_stages": statistics.median(ratios),
    }


def _form(photograph: bytes, count: int) -> bytes:
    """The body of a request with the same photograph so many times."""
    parts = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=images; filename={number}.jpg\r\n"
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + photograph
        + b"\r\n"
        for number in range(count)
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _post(client, body) -> tuple[int, bytes]:
    client.request("POST", "/v1/reconstruct", body, FORM)
    response = client.getresponse()
    return response.status, response.read()


def _checked(status, content, count) -> list[dict]:
    answer = json.loads(content)
    if status != 200 or answer["succeeded"] != count:
        raise RuntimeError(f"of {count} photographs some failed: {status} {content[:500]!r}")
    return answer["images"]


def _bare(sessions, batch) -> tuple[float, float]:
    """CPU milliseconds per image of the graphs alone, and images a second."""
    feeds = []
    for session in sessions.values():
        kinds = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
        feeds.append(
            {i.name: np.zeros((batch, *i.shape[1:]), kinds[i.type]) for i in session.get_inputs()}
        )
    used, began = time.process_time(), time.monotonic()
    for _ in range(5):
        for session, feed in zip(sessions.values(), feeds, strict=True):
            session.run(None, feed)
    used, took = time.process_time() - used, time.monotonic() - began
    return 1e3 * used / (5 * batch), 5 * batch / took
