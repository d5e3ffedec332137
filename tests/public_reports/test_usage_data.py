"""No library sends data about its use, or looks up where to send it, or writes an id of the device.

Reports of the kind: ONNX Runtime 1.29 and later do all three unless a variable is set before it is
loaded (microsoft/onnxruntime, pull request 27379; OHF-Voice/wyoming-piper, issue 64).
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graphics import usage_data

ROOT = Path(__file__).parents[2]
SESSION = """
import sys, time
{loaded}
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "graph", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
session = onnxruntime.InferenceSession(
    model.SerializeToString(), providers=["CPUExecutionProvider"]
)
session.run(None, {{"x": np.ones(1, np.float32)}})
time.sleep({seconds})
"""
OURS = ["service", "train", "tests"]
SENDS_AFTER_SECONDS = 9.5
"""When ONNX Runtime 1.32 first looks up its collector."""
LOOKUP = re.compile(r'sa_family=AF_INET6?|"/etc/(resolv\.conf|hosts|nsswitch\.conf)"')
PIECES = ("unshare", "strace")


def cannot_watch() -> str:
    """Why programs cannot be watched in a network of their own here; empty where they can."""
    if missing := [name for name in PIECES if shutil.which(name) is None]:
        return f"needs {' and '.join(missing)}"
    done = subprocess.run(
        ["unshare", "-rn", "strace", "-f", "-o", os.devnull, "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else f"unshare -rn strace: {done.stderr.strip()[:200]}"


WHY_NOT = cannot_watch()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


class Watched:
    """A program in a network without any way out, and a home of its own."""

    def __init__(self, folder: Path, program: str) -> None:
        self.home, self.log = folder / "home", folder / "calls"
        self.home.mkdir(parents=True)
        # What switches it off here as well is not to hide what our own code does not.
        hidden = {*usage_data.SWITCHES, "CI", "GITHUB_ACTIONS", "TF_BUILD", "XDG_CACHE_HOME"}
        environment = {name: os.environ[name] for name in os.environ if name not in hidden}
        watching = ["strace", "-f", "-e", "trace=%network,openat", "-o", str(self.log)]
        self.process = subprocess.Popen(
            ["unshare", "-rn", *watching, sys.executable, "-c", program],
            cwd=ROOT,
            env={**environment, "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> None:
        _, errors = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, errors

    @property
    def written(self) -> list[str]:
        """Files in the home."""
        files = (path for path in self.home.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.home).as_posix() for path in files)

    @property
    def lookups(self) -> list[str]:
        """Calls that look up an address or connect to one."""
        return [line for line in self.log.read_text().splitlines() if LOOKUP.search(line)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Watched, list[Watched]]:
    """ONNX Runtime by itself, and after each of our packages, for as long as it takes to send."""
    folder, seconds = tmp_path_factory.mktemp("watched"), SENDS_AFTER_SECONDS + 3
    programs = {name: f"import {name}" for name in OURS} | {"alone": ""}
    begun = {
        name: Watched(folder / name, SESSION.format(loaded=loaded, seconds=seconds))
        for name, loaded in programs.items()
    }
    for one in begun.values():
        one.end()
    return begun.pop("alone"), list(begun.values())


@pytest.mark.slow
def test_no_id_of_the_device_is_written(watched):
    alone, ours = watched
    assert any("deviceid" in name for name in alone.written), "is this how it is found out?"
    assert [one.written for one in ours] == [[]] * len(OURS)


@pytest.mark.slow
def test_no_address_is_looked_up(watched):
    alone, ours = watched
    assert alone.lookups, "is this how it is found out?"
    assert [one.lookups for one in ours] == [[]] * len(OURS)


def printed(program, environment):
    """What a Python of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("package", OURS)
def test_it_is_switched_off_whatever_the_environment_says(package):
    program = f"import {package}, os; print([os.environ[n] for n in {list(usage_data.SWITCHES)}])"
    environment = {**os.environ, **dict.fromkeys(usage_data.SWITCHES, "0")}
    assert printed(program, environment) == str(list(usage_data.SWITCHES.values()))


def test_a_plain_bentoml_serve_sends_none_though_it_has_asked_before():
    asked = "from bentoml._internal.utils.analytics.usage_stats import do_not_track"
    program = f"{asked}; before = do_not_track(); import service.api; print(before, do_not_track())"
    environment = {name: os.environ[name] for name in os.environ if "TRACK" not in name}
    assert printed(program, environment) == "False True"


@pytest.mark.parametrize("file", ["Makefile", "bentofile.yaml", "k8s/base/deployment.yaml"])
def test_it_is_switched_off_where_programs_are_started(file):
    text = (ROOT / file).read_text()
    for name, value in usage_data.SWITCHES.items():
        assert re.search(rf'{name}( :=|\n +value:) "?{value}"?\n', text), name
