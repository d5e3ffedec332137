"""The page as `make ui` starts it, with a service that wants a key, and a browser before it."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
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


@contextmanager
def page_server(home, service, *flags, **environment):
    """The page's own process; its address."""
    port = free_port()
    command = [sys.executable, "-m", "service.ui", "--home", str(home), *flags]
    log = home / "page.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--service", service, "--port", str(port)],
            cwd=ROOT,
            env={**_own_environment(), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process, log)
        yield address
    finally:
        stop(process)
    if "--start" in flags:
        with pytest.raises(httpx.ConnectError):  # it ends with the page
            httpx.get(f"{service}/livez")
    assert f"Open http://localhost:{port} in a browser" in log.read_text()
    assert "Traceback" not in log.read_text(), log.read_text()


def _own_environment():
    """That of a person's shell: other tests leave settings and folders of their servers here."""
    others = ("INVERSE_GRAPHICS_", "BENTOML_", "PROMETHEUS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, "INVERSE_GRAPHICS_WORKERS": "1", "BENTOML_DO_NOT_TRACK": "True"}


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    pytest.importorskip("nicegui", reason="the extra ui is not installed")
    home = tmp_path_factory.mktemp("ui")
    service = f"http://127.0.0.1:{free_port()}"
    settings = {"INVERSE_GRAPHICS_API_KEYS": KEY, "INVERSE_GRAPHICS_SEGMENTER": "bundle"}
    with page_server(home, service, "--start", **settings) as page:
        yield Served(page, service)


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
    contexts, pages, wrong, asked = [], [], [], []

    def to(viewport=DESKTOP, page=served.page):
        pages.append(page)
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
        tab.goto(page)
        return tab

    yield to
    for context in contexts:
        context.close()
    assert not wrong
    own = ("data:", "blob:", *pages, *(page.replace("http:", "ws:") for page in pages))
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
