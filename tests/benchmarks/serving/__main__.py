"""This service against a bare ONNX Runtime loop, BentoML's `batchable` and LitServe.

    python -m tests.benchmarks.serving --seconds 4 --turns 5 --out build/serving

One graph, one run, in turns: CPU milliseconds per image of each server's processes together
(medians over the turns; CPU time holds on a busy machine, latencies do not), its share of the bare
loop at the same batch size, p50, p99, mean batch. All take JSON with base64; this service is
measured with bare bytes too, as is the reading and writing alone, without any server. Then
photographs in and GLBs out of the service with the shipped bundle, and with the same bundle made
as large as a ResNet-18; with `--photograph-loads 8x1 64x1` from so many clients at once too: images
a second, the cores in use and the time of every stage; and one photograph's way through the idle
service, and through a bare ASGI application, over the sum of its stages. `--litserve` names a
Python that has LitServe, where this one has not. With `--device cuda` everyone runs the graph on
the GPU, and the share of bare is that of its images a second. Writes `serving.json` and
`serving.md`.
"""

import argparse
import json
import re
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from service.settings import SHIPPED_BUNDLE
from tests.benchmarks.serving import wire
from tests.benchmarks.serving.graph import write_graph
from tests.benchmarks.serving.larger_bundle import write_larger_bundle
from tests.benchmarks.serving.load import Turn, load
from tests.benchmarks.serving.photographs import photographs
from tests.benchmarks.serving.report import as_markdown
from tests.benchmarks.serving.servers import LITSERVE, OURS, started
from tests.benchmarks.serving.session import open_graph
from tests.benchmarks.serving.wire import SHAPE

SHIPPED, LARGER = "shipped", "larger"
TITLES = {SHIPPED: "shipped", LARGER: "as ResNet-18"}
"""What the bundles of `--bundles` are called in the results."""
LOADS = ("1x1", "8x1", "32x1", "4x32")
"""Clients x images per request."""


def _shape(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not clients x images, as in 32x1")
    return text


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.serving", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="of each turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of the graph")
    parser.add_argument(
        "--service-threads", type=int, help="of the service with photographs, if not as the graph's"
    )
    parser.add_argument("--litserve", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--out", type=Path, default=Path("build/serving"))
    parser.add_argument("--loads", nargs="+", type=_shape, default=LOADS)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int, default=32, help="photographs in one request")
    parser.add_argument("--bundles", nargs="+", choices=TITLES, default=(SHIPPED, LARGER))
    parser.add_argument("--photograph-loads", nargs="+", type=_shape, default=())
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.onnx"
        write_graph(graph)
        to_run = (options.threads, options.device, options.litserve)
        with started(Path(folder), graph, *to_run) as servers:
            metrics = {"device": options.device, "raw": raw(servers, graph, options)}
        _write(options.out, metrics)
        for bundle_name in options.bundles:
            name, bundle = TITLES[bundle_name], SHIPPED_BUNDLE
            if bundle_name == LARGER:
                bundle = write_larger_bundle(Path(folder) / "larger")
            print(f"photographs, {name}", file=sys.stderr)
            metrics.setdefault("photographs", {})[name] = photographs(bundle, options)
            _write(options.out, metrics)
    print(as_markdown(metrics))


def _write(folder: Path, metrics) -> None:
    """What there is by now: a run that is cut short has not been for nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "serving.json").write_text(json.dumps(metrics, indent=2) + "\n")
    (folder / "serving.md").write_text(as_markdown(metrics))


def raw(servers, graph: Path, options) -> dict[str, dict[str, dict[str, float]]]:
    """Contestant → load → figures."""
    session = open_graph(str(graph), options.threads, options.device)
    turns: dict[tuple[str, str], list[Turn]] = {}
    for turn in range(options.turns + 1):
        for shape in options.loads:
            print(f"turn {turn} of {options.turns}: {shape}", file=sys.stderr)
            clients, images = map(int, shape.split("x"))
            batch = min(32, clients * images)
            found = {"bare": bare(session, batch, options.seconds / 2)}
            # The first turn warms up.
            seconds = options.seconds if turn else options.seconds / 4
            for form, suffix in ((wire.JSON, ""), (wire.BYTES, ", bytes")):
                found[f"no server{suffix}"] = no_server(session, form, batch, images, seconds / 2)
                for name, server in servers.items():
                    if _takes(name, form, images):
                        found[name + suffix] = load(server, form, clients, images, seconds)
            if turn:
                for name, one in found.items():
                    turns.setdefault((name, shape), []).append(one)
    metrics: dict[str, dict[str, dict[str, float]]] = {}
    for (name, shape), found in turns.items():
        metrics.setdefault(name, {})[shape] = summary(found, turns["bare", shape], options.device)
    return metrics


def _takes(name: str, form: wire.Wire, images: int) -> bool:
    """Whether the server can be asked this; LitServe batches requests, not images."""
    return name == OURS or (form is wire.JSON and (name != LITSERVE or images == 1))


def bare(session, batch: int, seconds: float) -> Turn:
    """The graph in a loop, without any server."""
    images, turn = np.zeros((batch, *SHAPE), np.uint8), Turn()
    session.run(None, {"images": images})  # on a GPU the first of a size makes plans
    used, began = time.process_time(), time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        session.run(None, {"images": images})
        turn.latencies.append(time.monotonic() - now)
        turn.images += batch
        turn.runs += 1
    turn.cpu_milliseconds = 1e3 * (time.process_time() - used) / turn.images
    turn.images_per_second = turn.images / (time.monotonic() - began)
    return turn


def no_server(session, form: wire.Wire, batch: int, per_request: int, seconds: float) -> Turn:
    """The same, with the requests read and the answers written, which no server can leave out."""
    body, turn = form.write_request(wire.request_images(per_request)), Turn()
    used, began = time.process_time(), time.monotonic()
    while (now := time.monotonic()) < began + seconds:
        requests = [form.read_request(body) for _ in range(batch // per_request)]
        stacked = np.stack([image for request in requests for image in request])
        (outputs,) = session.run(None, {"images": stacked})
        for start in range(0, batch, per_request):
            form.write_answer([(one, batch) for one in outputs[start : start + per_request]])
        turn.latencies.append(time.monotonic() - now)
        turn.images += batch
        turn.runs += 1
    turn.cpu_milliseconds = 1e3 * (time.process_time() - used) / turn.images
    turn.images_per_second = turn.images / (time.monotonic() - began)
    return turn


def summary(turns: list[Turn], bare_turns: list[Turn], device: str = "cpu") -> dict[str, float]:
    """Medians over the turns; the share is the median of each turn's own."""
    # A GPU's time is no CPU time: there the images a second are compared.
    shares = [
        one.cpu_milliseconds / turn.cpu_milliseconds
        if device == "cpu"
        else turn.images_per_second / one.images_per_second
        for one, turn in zip(bare_turns, turns, strict=True)
    ]
    values = {
        "cpu_ms_per_image": [turn.cpu_milliseconds for turn in turns],
        "share_of_bare": shares,
        "images_per_second": [turn.images_per_second for turn in turns],
        "p50_ms": [turn.percentile(50) for turn in turns],
        "p99_ms": [turn.percentile(99) for turn in turns],
        "mean_batch": [turn.mean_batch for turn in turns],
    }
    return {name: round(statistics.median(found), 3) for name, found in values.items()}


if __name__ == "__main__":
    # So that the servers are ended then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
