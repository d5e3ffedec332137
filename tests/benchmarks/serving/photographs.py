"""Photographs of 1,024 px into the service, GLBs out, against the bare graphs of the bundle."""

import io
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from service.model.manifest import INVERSE_GRAPHICS, SAMPLES_FOLDER, SEGMENTER
from service.process import serving
from service.settings import SHIPPED_BUNDLE
from tests.benchmarks.serving.bare_asgi import INLINE, THREADS
from tests.benchmarks.serving.idle import Client, checked, idle
from tests.benchmarks.serving.load import cpu_seconds
from tests.benchmarks.serving.servers import Server, bare_asgi, ended_wholly
from tests.benchmarks.serving.session import open_graph
from tests.benchmarks.serving.stages import under_load

SIDE = 1024
BOUNDARY = "photograph"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def photographs(folder: Path, options) -> dict[str, float | dict[str, dict[str, float]]]:
    """CPU milliseconds per image with a bundle, bare and end to end, and the latency of an idle
    service, beside that of a bare ASGI application; `loads`: what many clients at once get."""
    sessions = {
        name: open_graph(str(folder / f"{name}.onnx"), options.threads, options.device)
        for name in (SEGMENTER, INVERSE_GRAPHICS)
    }
    content, found, loads = photograph(), {}, {}
    settings = {
        "INVERSE_GRAPHICS_BUNDLE": str(folder),
        "INVERSE_GRAPHICS_SEGMENTER": "bundle",
        "INVERSE_GRAPHICS_THREADS": str(options.service_threads or options.threads),
        "INVERSE_GRAPHICS_DEVICE": options.device,
    }
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), settings) as (address, process, _),
        ended_wholly(process.pid),
        bare_asgi(Path(home), settings) as bare,
    ):
        clients = {
            "idle": Client(address, "/v1/reconstruct", FORM),
            "bare_asgi_in_threads": Client(bare, THREADS, FORM),
            "bare_asgi_inline": Client(bare, INLINE, FORM),
        }
        for _ in range(options.turns + 1):
            turn = _turn(clients, process.pid, content, sessions, options.batch)
            for name, value in turn.items():
                found.setdefault(name, []).append(value)
        for shape in options.photograph_loads:
            body = form(content, int(shape.split("x")[1]))
            headers = {"Content-Type": FORM}
            load = under_load(Server(address, process.pid), body, headers, shape, options)
            loads[shape] = {name: round(value, 3) for name, value in load.items()}
    # The first turn warms up.
    medians = {name: round(statistics.median(values[1:]), 3) for name, values in found.items()}
    return {**medians, **({"loads": loads} if loads else {})}


def _turn(clients, process, content, sessions, batch) -> dict[str, float]:
    bare, bare_rate = _bare(sessions, batch)
    many = form(content, batch)
    used = cpu_seconds(process)
    for _ in range(3):
        checked(clients["idle"].post(many), batch)
    whole = 1e3 * (cpu_seconds(process) - used) / (3 * batch)
    return {
        "bare_graphs_cpu_ms": bare,
        "bare_graphs_images_per_second": bare_rate,
        "jpeg_to_glb_cpu_ms": whole,
        "jpeg_to_glb_over_bare": whole / bare,
        **idle(clients, form(content, 1)),
    }


def photograph() -> bytes:
    """A JPEG of the first sample at 1,024 px."""
    sample = sorted((SHIPPED_BUNDLE / SAMPLES_FOLDER).iterdir())[0]
    file = io.BytesIO()
    Image.open(sample).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def form(photograph: bytes, count: int) -> bytes:
    """The body of a request with the same photograph so many times."""
    parts = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=images; filename={number}.jpg\r\n"
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + photograph
        + b"\r\n"
        for number in range(count)
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


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
