"""The container of the built YAML as a process of this machine: its arguments and its settings."""

import subprocess
import sys
import time
from pathlib import Path

import httpx

from service.process import ROOT, environment
from tests.k8s.built import Built

REACHED_BY_ALL = "0.0.0.0"


def start(built: Built, bundle: Path, folder: Path, port: int) -> subprocess.Popen:
    """The server on a port; what it would write to its volumes lies in `folder`, its log too."""
    container = built.container
    (named,) = (one["containerPort"] for one in container["ports"] if one["name"] == "http")
    replaced = {REACHED_BY_ALL: "127.0.0.1", str(named): str(port)}
    arguments = [replaced.get(word, word) for word in container["args"]]
    assert {"127.0.0.1", str(port)} <= set(arguments), container["args"]
    settings = {
        **built.settings,
        "NUMBA_CACHE_DIR": "",  # beside the source, where these tests keep it
        "INVERSE_GRAPHICS_BUNDLE": str(bundle),
        "INVERSE_GRAPHICS_SEGMENTER": "bundle",
        "OMP_NUM_THREADS": "1",
    }
    folder.mkdir(parents=True)
    with open(folder / "server.log", "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bentoml", *arguments],
            cwd=ROOT, env=environment(folder, settings), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def wait_until_ready(built: Built, process: subprocess.Popen, port: int) -> None:
    """Ask as the startup probe does, and for as long."""
    probe = built.container["startupProbe"]
    deadline = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
    url = f"http://127.0.0.1:{port}{probe['httpGet']['path']}"
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            if httpx.get(url, timeout=probe["timeoutSeconds"]).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.2)
    raise AssertionError(f"not ready after {probe['periodSeconds'] * probe['failureThreshold']} s")
