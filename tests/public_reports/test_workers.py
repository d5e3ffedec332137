"""Two workers of BentoML lost most jobs, each being known to one of them only.

Those that BentoML would ignore are refused too: whoever asks for them counts on them.
"""

import re
import subprocess
import sys

import pytest

from service.process import ROOT, SERVICE, environment

pytestmark = pytest.mark.server


def refused(tmp_path, settings, *arguments):
    """What a server says that ends before it serves."""
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", "serve", SERVICE, *arguments],
        cwd=ROOT,
        env=environment(tmp_path / "home", settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("services", "source"),
    [
        ("{inverse-graphics: {workers: 2}}", "BentoML's configuration"),
        ("{inverse-graphics: {workers: cpu_count}}", "BentoML's configuration"),
        ("{workers: 2}", "services.workers of BentoML's configuration"),
    ],
)
def test_more_than_one_worker_in_a_file_is_refused_at_the_start(tmp_path, services, source):
    configuration = tmp_path / "configuration.yaml"
    configuration.write_text(f"services: {services}\n")
    said = refused(tmp_path, {"BENTOML_CONFIG": str(configuration)})
    assert re.search(rf"\W{source} asks for \d+ workers; it must be 1", said)


@pytest.mark.parametrize("key", ["services.workers", "api_server.workers"])
def test_more_than_one_worker_in_an_option_is_refused_at_the_start(tmp_path, key):
    said = refused(tmp_path, {"BENTOML_CONFIG_OPTIONS": f"{key}=2"})
    assert f"{key} of BentoML's configuration asks for 2 workers; it must be 1" in said


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_more_than_one_worker_on_the_command_line_is_refused_at_the_start(tmp_path, way):
    arguments = ["--api-workers", "2"] if way == "argument" else []
    settings = {"BENTOML_API_WORKERS": "2"} if way == "variable" else {}
    said = refused(tmp_path, settings, *arguments)
    assert "--api-workers, or BENTOML_API_WORKERS, asks for 2 workers; it must be 1" in said
