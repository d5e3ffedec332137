"""Read-only installations without a home that can be written: where compiled code is kept.

Reports of the kind: numba ends with "cannot cache function: no locator available for file".
"""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from graphics import compiled

LOOP = """
from graphics.compiled import compiled

@compiled
def double(number):
    return 2 * number

assert double(21) == 42
print(sum(double.stats.cache_hits.values()))
"""


@pytest.fixture
def installed(tmp_path):
    """A copy whose folders can hold no cache, which holds for root too: a file is in its place."""
    package = tmp_path / "installed" / "graphics"
    package.mkdir(parents=True)
    shutil.copy(compiled.__file__, package)
    (package / "__init__.py").touch()
    (package / "loop.py").write_text(LOOP)
    (package / "__pycache__").touch()
    (tmp_path / "temporary").mkdir()
    return tmp_path


def run(folder: Path, **variables: str):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("NUMBA")},
        "HOME": "/dev/null",
        "XDG_CACHE_HOME": "/dev/null/cache",
        "TMPDIR": str(folder / "temporary"),
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-m", "graphics.loop"],
        cwd=folder / "installed",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_compiled_code_is_kept_in_a_folder_of_the_user_s_own(installed):
    first, second = run(installed), run(installed)
    for done, hits in ((first, 0), (second, 1)):
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) == hits
        assert "set NUMBA_CACHE_DIR to keep it elsewhere" in done.stderr
    (folder,) = (installed / "temporary").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.rglob("*.nbc"))


def test_a_folder_that_others_may_write_is_not_used(installed):
    folder = installed / "temporary" / f"numba-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    done = run(installed)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert "not this user's alone" in last and "set NUMBA_CACHE_DIR" in last
    folder.rmdir()
    folder.symlink_to(installed)
    assert "not this user's alone" in run(installed).stderr


def test_a_folder_of_the_user_s_that_cannot_be_written_is_named(installed):
    done = run(installed, NUMBA_CACHE_DIR="/dev/null/numba")
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert "NUMBA_CACHE_DIR is '/dev/null/numba', which cannot be written" in last
    assert "no locator available" not in done.stderr


def test_where_code_can_be_kept_nothing_is_said(installed):
    done = run(installed, NUMBA_CACHE_DIR=str(installed / "own"))
    assert done.returncode == 0 and not done.stderr
    assert list((installed / "own").rglob("*.nbc"))
