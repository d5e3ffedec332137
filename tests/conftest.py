"""Without a GPU, triton's kernels run in its interpreter.

Triton asks the environment when it is imported, and many libraries import it: this file is read
before any of them.
"""

import os
import shutil

import pytest
import torch

from tests.scheduling import put_long_first
from tests.scheduling import pytest_xdist_make_scheduler as pytest_xdist_make_scheduler

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"


# A server of a test has one worker, unless the test is about several.
os.environ.setdefault("INVERSE_GRAPHICS_WORKERS", "1")

LAUNCH_MILLISECONDS = 120_000
LONG = ("server", "browser")
"""Markers of tests that wait for other programs, and are slow as such."""


def pytest_collection_modifyitems(items):
    """Mark tests as slow that start a server or a browser; others say it in their own files."""
    for item in items:
        if any(item.get_closest_marker(name) for name in LONG):
            item.add_marker(pytest.mark.slow)
    put_long_first(items)


@pytest.fixture(autouse=True)
def _exact_on_the_cpu(request, monkeypatch):
    """A GPU sums in any order, and one is no two: what is exact, or shared, is tried without."""
    if request.node.get_closest_marker("exact") is None:
        yield
        return
    from train.running.device import default_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # of further processes
    default_device.cache_clear()
    yield
    default_device.cache_clear()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    # Chromium refuses its sandbox to root, as whom containers run. Its camera is a picture.
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=program, args=arguments, timeout=LAUNCH_MILLISECONDS
        )
        yield chromium
        chromium.close()
