"""Units of tests that share something, in real processes of pytest."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.scheduling import SHARING, unit_of

ROOT = Path(__file__).parents[1]
CONFTEST = """
from tests.scheduling import put_long_first as pytest_collection_modifyitems
from tests.scheduling import pytest_xdist_make_scheduler
"""
TEST = """
import os, time, pytest
{mark}
@pytest.mark.parametrize("number", range(4))
def test_it(number):
    with open("order", "a") as file:
        print("{name}", os.getpid(), file=file)
    time.sleep(0.02)
"""
INI = "[pytest]\nmarkers =\n browser\n server\n slow\n"
FILES = {
    "tests/a/test_quick.py": "",
    "tests/a/test_slow.py": "pytestmark = pytest.mark.slow",
    "tests/service/test_other.py": "",
    "tests/service/test_server.py": "pytestmark = pytest.mark.server",
    "tests/service/ui/test_first.py": "",
    "tests/service/ui/test_second.py": "pytestmark = pytest.mark.browser",
}


def ran(folder, *options):
    """(file, process) of each test, in the order in which they began."""
    for name, mark in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEST.format(name=name, mark=mark))
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(INI)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "xdist", *options],
        cwd=folder,
        # Of all plugins that are installed one is meant; the others take seconds to import.
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line.split() for line in (folder / "order").read_text().splitlines()]


def test_long_files_begin_first_and_each_stays_in_order(tmp_path):
    files = list(dict.fromkeys(name for name, _ in ran(tmp_path, "-n0")))
    assert files == [
        "tests/service/ui/test_first.py", "tests/service/ui/test_second.py",
        "tests/service/test_server.py", "tests/a/test_slow.py",
        "tests/a/test_quick.py", "tests/service/test_other.py",
    ]  # fmt: skip


def test_a_file_runs_in_one_process_and_so_do_files_that_share(tmp_path):
    processes = defaultdict(set)
    for name, process in ran(tmp_path, "-n2", "--dist=loadfile", "--no-loadscope-reorder"):
        processes[unit_of(name)].add(process)
    assert len(processes) == len(FILES) - 1
    assert {len(used) for used in processes.values()} == {1}
    assert len(set.union(*processes.values())) == 2


@pytest.mark.parametrize("path", [path for paths in SHARING for path in paths])
def test_what_is_said_to_share_exists(path):
    assert (ROOT / path).exists()
