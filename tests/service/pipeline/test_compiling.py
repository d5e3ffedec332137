"""What set-up compiles is all that a service runs from its start to its first meshes."""

import subprocess
import sys

import pytest

from service.process import ROOT, environment


def run(tmp_path, *words):
    """Run one of our modules; the names of the compiled loops that are kept afterwards."""
    settings = {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "INVERSE_GRAPHICS_WORKERS": "1"}
    subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=environment(tmp_path, settings),
        check=True,
        capture_output=True,
    )
    return {path.name for path in (tmp_path / "numba").rglob("*.nbc")}


@pytest.mark.server
def test_a_first_start_after_set_up_has_nothing_left_to_compile(tmp_path):
    compiled = run(tmp_path, "service.pipeline.compiling")
    assert len(compiled) > 10
    assert run(tmp_path, "service.demo", "--out", str(tmp_path / "demo")) == compiled
