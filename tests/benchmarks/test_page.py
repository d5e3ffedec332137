"""What the page's benchmark starts ends with it."""

import signal
import subprocess
import sys
import time

import psutil
import pytest

from service.process import ROOT

SCRIPT = """
import time
from tests.benchmarks.page import make_ui
with make_ui() as address:
    print("the page is there", flush=True)
    time.sleep(600)
"""
END_SECONDS = 60


@pytest.mark.server
@pytest.mark.skipif(not (ROOT / ".venv/ui").is_file(), reason="make ui would install first")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=str)
def test_a_benchmark_that_is_killed_leaves_no_process_behind(kill):
    command = [sys.executable, "-c", SCRIPT]
    benchmark = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert benchmark.stdout is not None
    with benchmark:
        while "the page is there" not in (line := benchmark.stdout.readline()):
            assert line, "the benchmark ended"
        started = psutil.Process(benchmark.pid).children(recursive=True)
        deadline = time.monotonic() + END_SECONDS
        while len(started) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)  # make, the page, the service
            started = psutil.Process(benchmark.pid).children(recursive=True)
        benchmark.send_signal(kill)
        _, left = psutil.wait_procs(started, END_SECONDS)
        benchmark.kill()
    for process in left:
        process.kill()
    assert len(started) >= 3
    assert left == []
