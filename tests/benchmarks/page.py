"""How long a person waits for the page: its start, a photograph that is dropped, a slider.

    python -m tests.benchmarks.page

Runs `make ui` on free ports, with the segmenter that it comes with, and Chromium before it. Needs
the extras ui and dev, and Chromium.
"""

import base64
import os
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import tyro

from service.process import ROOT, free_port
from tests.service.ui.conftest import DESKTOP, DROP, SAMPLES

ROUNDS = 7
WAIT_SECONDS = 120
WITH_THIS = ("setpriv", "--pdeathsig", "TERM")
"""A program's words that have the system end another one when this process is gone."""
WARMUP_AZIMUTHS = (-5, -10)
TURNING = """(name) => new Promise((done) => {
    const look = () => {
        const title = document.querySelector(".details h2")?.innerText;
        const shown = document.querySelector(".viewer[data-shown]");
        if (title !== name || !shown) return requestAnimationFrame(look);
        const canvas = shown.querySelector("canvas"), before = canvas.toDataURL();
        document.querySelector(".viewer button").click();
        const turned = () => canvas.toDataURL() === before
            ? requestAnimationFrame(turned) : done(performance.now());
        turned();
    };
    look();
})"""
"""Waits for a photograph's mesh, presses its button, and waits until the picture has moved."""
SLID = """(azimuth) => new Promise((done) => {
    const images = [...document.querySelectorAll(".render img")];
    const before = images.map((image) => image.src), took = images.map(() => 0);
    const start = performance.now();
    const look = () => {
        images.forEach((image, number) => {
            if (!took[number] && image.src !== before[number])
                took[number] = performance.now() - start;
        });
        took.every(Boolean) ? done(took) : requestAnimationFrame(look);
    };
    const slider = document.querySelector("input[aria-label=Azimuth]");
    slider.value = azimuth;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    look();
})"""
"""Moves a slider; milliseconds until each renderer's next picture."""


def main() -> None:
    """Measure once from nothing, then `ROUNDS` photographs and slider steps."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        program = shutil.which("chromium")
        chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = chromium.new_page(viewport=DESKTOP)
        page.set_default_timeout(1000 * WAIT_SECONDS)
        start = time.monotonic()
        with make_ui() as address:
            page.goto(address)
            page.evaluate(TURNING, "sample 1.jpg")
            print(f"from `make ui` to a mesh that turns: {time.monotonic() - start:.1f} s")
            report("a photograph dropped, to a mesh that turns", dropped(page))
            slid(page)
        chromium.close()


@contextmanager
def make_ui() -> Iterator[str]:
    """`make ui`, all installed before; the page's address as soon as it answers.

    However this process ends, killed too, `make` is told to end, and tells the others.
    """
    page, service = free_port(), free_port()
    process = subprocess.Popen(
        [*WITH_THIS, "make", "--silent", "ui", f"UI_PORT={page}", f"PORT={service}"],
        cwd=ROOT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{page}"
    try:
        for _ in range(20 * WAIT_SECONDS):
            try:
                httpx.get(address, timeout=WAIT_SECONDS)
                break
            except httpx.ConnectError:
                time.sleep(0.05)
            if process.poll() is not None:
                raise RuntimeError(f"make ui ended with {process.returncode}")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(WAIT_SECONDS)


def dropped(page: Any) -> list[float]:
    """Milliseconds from the drop of each photograph, one at a time, to its mesh in motion."""
    took = []
    for number in range(ROUNDS):
        content = base64.b64encode(SAMPLES[number % len(SAMPLES)].read_bytes()).decode()
        start = page.evaluate("performance.now()")
        page.evaluate(DROP, [[(f"{number}.jpg", content)], ".drop"])
        took.append(page.evaluate(TURNING, f"{number}.jpg") - start)
    return took


def slid(page: Any) -> None:
    """Print what a step of the slider takes, by renderer."""
    page.click("role=tab[name='Control']")
    page.wait_for_function(
        "document.querySelectorAll('.render img[src]').length === 3 "
        "&& !document.querySelector('.viewer button[aria-pressed=true]')?.click()"
    )
    page.wait_for_timeout(2000)
    for azimuth in WARMUP_AZIMUTHS:
        page.evaluate(SLID, azimuth)
    steps = [page.evaluate(SLID, 20 + 10 * number) for number in range(ROUNDS)]
    for renderer, took in zip(("mesh", "GAN", "neural"), zip(*steps, strict=True), strict=True):
        report(f"a slider's step, to the picture of renderer {renderer}", list(took))


def report(what: str, milliseconds: list[float]) -> None:
    """Print the median and the range."""
    least, most = min(milliseconds), max(milliseconds)
    print(f"{what}: {statistics.median(milliseconds):.0f} ms ({least:.0f} to {most:.0f})")


if __name__ == "__main__":
    tyro.cli(main, prog="python -m tests.benchmarks.page")
