"""A `bentoml serve` process of one's own: started, waited for, stopped."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

SERVICE = "service.api:InverseGraphics"
ROOT = Path(__file__).parents[1]
START_SECONDS = 180
STOP_SECONDS = 60
PORTS = range(20_000, 32_000)
"""Ports below those that systems give out unasked: an outgoing connection of any program could take
one of those between our look and the server's."""


class Served(NamedTuple):
    """A service that is ready."""

    address: str
    process: subprocess.Popen
    seconds_to_ready: float


class ServerError(RuntimeError):
    """The server did not start, or refused everything; the message says why."""


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server; each has its own BENTOML_HOME, where its metrics are counted."""
    scripts = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
        "BENTOML_HOME": str(home),
        **settings,
    }


@contextmanager
def serving(
    home: Path,
    settings: Mapping[str, str],
    target: str = SERVICE,
    folder: Path = ROOT,
    port: int | None = None,
) -> Iterator[Served]:
    """Run `bentoml serve target` in `folder`; its log is `home/server.log`.

    `port`: None takes a free one. On leaving it is asked to stop, which lets it answer what it
    accepted.
    """
    port = free_port() if port is None else port
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    command = [sys.executable, "-m", "bentoml", "serve", target]
    start = time.monotonic()
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=environment(home, settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(address, process, log)
        yield Served(address, process, time.monotonic() - start)
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> int:
    """SIGTERM, and SIGKILL if that is not heeded; the exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _wait_until_ready(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    # One client: each reads the certificates of all authorities, which would take a third of the
    # time that the service starts in.
    with httpx.Client(timeout=2) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ServerError(f"the service ended with {process.returncode}:\n{_tail(log)}")
            with contextlib.suppress(httpx.HTTPError):  # not listening yet, or still loading
                if client.get(f"{address}/readyz").status_code == 200:
                    return
            time.sleep(0.1)
    raise ServerError(f"the service is not ready after {START_SECONDS} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])


def free_port() -> int:
    """A free TCP port of this machine.

    Raises:
        ServerError: none was found.
    """
    for port in random.sample(PORTS, 100):
        with socket.socket() as opened, contextlib.suppress(OSError):
            opened.bind(("127.0.0.1", port))
            return port
    raise ServerError(f"none of 100 ports within {PORTS.start}..{PORTS.stop - 1} is free")
