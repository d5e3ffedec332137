"""The page as `make ui` starts it, with a service that wants a key, and a browser before it."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from service.process import ROOT, free_port, stop

KEY = "a-key-of-the-tests"
SAMPLES = sorted((ROOT / "service/shipped/vehicles/samples").glob("*.jpg"))
WAIT_SECONDS = 120
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
DROP = """([files, target]) => {
    const data = new DataTransfer();
    for (const [name, base64] of files) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        data.items.add(new File([bytes], name));
    }
    for (const kind of ["dragover", "drop"])
        document.querySelector(target).dispatchEvent(
            new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
"""Drops files, each a name and its content in base64, as a file manager does."""


class Served(NamedTuple):
    """The page's server, and the service that it started."""

    page: str
    service: str


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    pytest.importorskip("nicegui", reason="the extra ui is not installed")
    home = tmp_path_factory.mktemp("ui")
    ports = free_port(), free_port()
    page, service = (f"http://127.0.0.1:{port}" for port in ports)
    command = [sys.executable, "-m", "service.ui", "--start", "--home", str(home)]
    environment = {
        **os.environ,
        "INVERSE_GRAPHICS_API_KEYS": KEY,
        "INVERSE_GRAPHICS_SEGMENTER": "bundle",
    }
    process = subprocess.Popen(
        [*command, "--service", service, "--port", str(ports[0])],
        cwd=ROOT,
        env=environment,
        stdout=(home / "page.log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_for(page, process, home / "page.log")
        yield Served(page, service)
    finally:
        stop(process)
    log = (home / "page.log").read_text()
    assert f"Open http://localhost:{ports[0]} in a browser" in log
    assert "Traceback" not in log, log


def _wait_for(page, process, log: Path):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(page, timeout=WAIT_SECONDS)
            return
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError(f"the page is not there:\n{log.read_text()}")


@pytest.fixture
def opened(browser, served):
    """Opens the page at a width; fails for errors of its scripts, and requests to elsewhere."""
    contexts, wrong, asked = [], [], []

    def to(viewport=DESKTOP):
        context = browser.new_context(
            viewport=viewport, permissions=["camera"], reduced_motion="reduce"
        )
        context.set_default_timeout(1000 * WAIT_SECONDS)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("websocket", lambda socket: asked.append(socket.url))
        tab.goto(served.page)
        return tab

    yield to
    for context in contexts:
        context.close()
    assert not wrong
    own = (served.page, served.page.replace("http:", "ws:"), "data:", "blob:")
    assert [address for address in asked if not address.startswith(own)] == []
    assert any(address.startswith("ws:") for address in asked)


@pytest.fixture
def ready(opened):
    """Opens the page, gives it the key, and waits for the sample that it shows first."""

    def to(viewport=DESKTOP):
        tab = opened(viewport)
        tab.fill("input[name=key]", KEY)
        tab.click("text=Use it")
        tab.wait_for_selector(".state.ready")
        tab.wait_for_selector(".viewer[data-shown]")
        return tab

    return to
