"""Two workers of BentoML's own configuration: each took the whole of every limit for itself.

They are set by the service's setting, which shares the limits. Another number elsewhere is refused,
also where BentoML would ignore it: whoever asks for it counts on it.
"""

import logging.config
import subprocess
import sys

import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml_cli.serve import build_serve_command

from service.api import InverseGraphics
from service.process import ROOT, SERVICE, environment
from service.workers import check_workers


@pytest.fixture(autouse=True)
def _configuration_of_its_own():
    before = BentoMLContainer.config.get()
    yield
    BentoMLContainer.config.set(before)


@pytest.mark.parametrize(
    ("services", "option", "source"),
    [
        ("{inverse-graphics: {workers: 2}}", None, "BentoML's configuration"),
        ("{inverse-graphics: {workers: cpu_count}}", None, "BentoML's configuration"),
        ("{workers: 2}", None, "services.workers of BentoML's configuration"),
        (None, "services.workers=2", "services.workers of BentoML's configuration"),
        (None, "api_server.workers=2", "api_server.workers of BentoML's configuration"),
    ],
)
def test_no_key_of_the_configuration_is_passed_over(
    tmp_path, monkeypatch, services, option, source
):
    """As BentoML itself reads it, without a process for each."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    if services:
        file = tmp_path / "configuration.yaml"
        file.write_text(f"services: {services}\n")
        monkeypatch.setenv("BENTOML_CONFIG", str(file))
    if option:
        monkeypatch.setenv("BENTOML_CONFIG_OPTIONS", option)
    InverseGraphics.inject_config()
    refusal = rf"^{source} asks for \d+ workers, and \w+WORKERS comes to 1: leave it out there"
    with pytest.raises(ValueError, match=refusal):
        check_workers(InverseGraphics, 1)


@pytest.mark.parametrize(
    ("services", "wanted"), [("{workers: 1}", 1), ("{inverse-graphics: {workers: 2}}", 2)]
)
def test_the_same_number_is_let_be(tmp_path, monkeypatch, services, wanted):
    file = tmp_path / "configuration.yaml"
    file.write_text(f"services: {services}\n")
    monkeypatch.setenv("BENTOML_CONFIG", str(file))
    InverseGraphics.inject_config()
    check_workers(InverseGraphics, wanted)


COMMAND_LINE = "--api-workers, or BENTOML_API_WORKERS, asks for 2 workers, and"


def test_the_variable_of_the_command_line_is_not_passed_over(monkeypatch):
    """As BentoML's own command reads it."""
    monkeypatch.setenv("BENTOML_API_WORKERS", "2")
    # The command would silence all loggers that there are, which tests after this one read.
    monkeypatch.setattr(logging.config, "dictConfig", lambda settings: None)
    command = build_serve_command().commands["serve"]
    with command.make_context("serve", [SERVICE]):
        InverseGraphics.inject_config()
        with pytest.raises(ValueError, match=f"^{COMMAND_LINE}"):
            check_workers(InverseGraphics, 1)


@pytest.mark.server
def test_more_than_one_worker_on_the_command_line_is_refused_at_the_start(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", "serve", SERVICE, "--api-workers", "2"],
        cwd=ROOT,
        env=environment(tmp_path / "home", {}),
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode != 0
    assert COMMAND_LINE in done.stdout + done.stderr
