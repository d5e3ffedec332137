"""Two workers of BentoML lost most jobs, each being known to one of them only."""

import subprocess
import sys

import pytest

from service.process import ROOT, SERVICE, environment

pytestmark = pytest.mark.server


@pytest.mark.parametrize("workers", [2, "cpu_count"])
def test_more_than_one_worker_is_refused_at_the_start(tmp_path, workers):
    configuration = tmp_path / "configuration.yaml"
    configuration.write_text(f"services:\n  inverse-graphics:\n    workers: {workers}\n")
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", "serve", SERVICE],
        cwd=ROOT,
        env=environment(tmp_path / "home", {"BENTOML_CONFIG": str(configuration)}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "workers; it must be 1" in done.stdout + done.stderr
