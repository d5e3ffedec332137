"""The servers of the benchmark, each ended with every process that it started."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from service.process import ROOT, environment, free_port, serving

OURS, LITSERVE = "this service", "LitServe"
READY_SECONDS = 90
STOP_SECONDS = 10


class Server(NamedTuple):
    """One that answers."""

    address: str
    process: int


@contextlib.contextmanager
def started(
    folder: Path, graph: Path, threads: int, device: str, litserve: str
) -> Iterator[dict[str, Server]]:
    """Name → server, of each that can be had here; `litserve` is a Python that may have it."""
    variables = {
        "BENCHMARK_GRAPH": str(graph),
        "BENCHMARK_THREADS": str(threads),
        "BENCHMARK_DEVICE": device,
    }
    found = {}
    with contextlib.ExitStack() as stack:
        for name, target in (
            (OURS, "ours:Ours"),
            ("BentoML batchable", "batchable:Batchable"),
        ):
            target = f"tests.benchmarks.serving.{target}"
            served = stack.enter_context(serving(folder / name, variables, target, ROOT))
            stack.enter_context(ended_wholly(served.process.pid))
            found[name] = Server(served.address, served.process.pid)
        have = subprocess.run([litserve, "-c", "import litserve"], capture_output=True, timeout=60)
        if have.returncode == 0:
            arguments = (str(graph), str(threads), device)
            found[LITSERVE] = stack.enter_context(_litserve(litserve, arguments, folder))
        else:
            print("LitServe is not installed here and left out: see --litserve", file=sys.stderr)
        yield found


@contextlib.contextmanager
def ended_wholly(process: int) -> Iterator[None]:
    """On leaving, the process and its descendants are told to stop, then killed.

    LitServe needs it: on SIGTERM its main process ends and leaves its workers behind, which hold
    the port and the open files.
    """
    parent = psutil.Process(process)
    try:
        yield
    finally:
        everyone = [parent]
        with contextlib.suppress(psutil.NoSuchProcess):
            everyone += parent.children(recursive=True)
            parent.terminate()
        _, alive = psutil.wait_procs(everyone, STOP_SECONDS)
        for each in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(alive, STOP_SECONDS)


@contextlib.contextmanager
def bare_asgi(home: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """The address of `bare_asgi`, which is started as BentoML starts its applications."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.serving.bare_asgi:app"]
    command += ["--lifespan", "on"]  # an application that cannot start ends it
    command += ["--port", str(port), "--no-server-header", "--no-access-log"]
    with _process(command, home / "bare_asgi.log", environment(home, settings)) as process:
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(address, process, home / "bare_asgi.log")
        yield address


@contextlib.contextmanager
def _litserve(python: str, arguments: tuple[str, str, str], folder: Path) -> Iterator[Server]:
    port = free_port()
    graph, threads, device = arguments
    module = "tests.benchmarks.serving.lit"
    command = [python, "-m", module, graph, str(port), threads, device]
    with _process(command, folder / "litserve.log") as process:
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(f"{address}/health", process, folder / "litserve.log")
        yield Server(address, process.pid)


@contextlib.contextmanager
def _process(command, log, variables=None) -> Iterator[subprocess.Popen]:
    with open(log, "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=output, stderr=output)
    try:
        with ended_wholly(process.pid):
            yield process
    finally:
        process.wait(STOP_SECONDS)


def _wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(timeout=2) as client:
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if client.get(url).status_code == 200:
                    return
            time.sleep(0.1)
    tail = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"{url} is not ready within {READY_SECONDS} s:\n{tail}")
