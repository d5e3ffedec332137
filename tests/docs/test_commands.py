"""Every command that the documentation prints runs, or at least exists with its flags.

A shell block without a mark is run as printed. One with a mark, an HTML comment before its fence
that says what it needs or how long it takes, is parsed: the program knows every flag.
"""

import contextlib
import functools
import io
import itertools
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

from service.process import ROOT, environment
from service.settings import read_settings
from tests.docs.markdown import PAGES, Block, blocks, commands
from train import cycle

pytestmark = pytest.mark.slow
MARK = re.compile(r"(long|needs)\b.*\S")
SHELL = [block for page in PAGES for block in blocks(page) if block.kind == "sh"]
ADDRESS = "http://localhost:3000"
"""Blocks that name it are run against a server, in test_served.py."""
RUN = [block for block in SHELL if not block.mark and ADDRESS not in block.text]
MARKED = [block for block in SHELL if block.mark]
COPIED = ("docs", "k8s", "bentofile.yaml", "LICENSE", "graphics", "service")
"""What commands of the documentation change, or pack without following links."""
LINKED = ("train", "tests", "pyproject.toml", "Makefile", ".ci")
INLINE = re.compile(r"`((?:python -m|make|bentoml|kubectl|torchrun) [^`]+)`")
INLINE_SETTING = re.compile(r"`(--(?!section)[a-z]+\.[a-z-]+ [^`]+|--rounds [^`]+)`")
SUBCOMMANDS = {"train.evaluate": ("objects", "photos", "fused", "generator", "disentangled")}
ELSEWHERE = ("cd", "docker", "echo", "git", "kustomize", "openssl", "podman", "pre-commit")
"""Programs that are not asked."""
MAY_BE_MISSING = ("kubectl",)
SECONDS = 120


def ask(*command: str | Path) -> str:
    """The output of a command that has to succeed."""
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


@functools.cache
def known_flags(*command: str) -> set[str]:
    """The long flags in a program's help, with dashes."""
    # Another's program may end otherwise than by `SystemExit`.
    ours = command[:2] == (sys.executable, "-m") and not command[2].startswith("torch.")
    text = help_of(*command[2:]) if ours else ask(*command, "--help")
    return {flag.replace("_", "-") for flag in re.findall(r"--[a-z][\w.-]*", text)}


def help_of(module: str, *words: str) -> str:
    """What `python -m` prints for a module's --help; in this process, as there are many to ask."""
    said, on_end = io.StringIO(), signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it may have been imported before
        patch.setattr(sys, "argv", [module, *words, "--help"])
        with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    signal.signal(signal.SIGTERM, on_end)  # which a program may have set
    assert not ended.value.code, said.getvalue()
    return said.getvalue()


def flags_of(words: list[str]) -> set[str]:
    """The long flags of a command."""
    given = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
    return {flag.replace("_", "-") for flag in given}


def check(words: list[str]) -> None:
    """Assert that a command exists, and that it knows its flags."""
    program, *rest = [word.removeprefix(".venv/bin/") for word in words]
    if program == "torchrun":
        own, module = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
        assert flags_of(own) <= known_flags(sys.executable, "-m", "torch.distributed.run"), words
        program, rest = "python", ["-m", *module]
    if program == "python" and rest[:2] == ["-m", "pip"]:
        check_extras(rest)
    elif program == "python" and rest[0] == "-m":
        check_module(rest[1], rest[2:])
    elif program == "python":
        assert Path(ROOT / rest[0]).is_file(), words
    elif program == "make":
        ask("make", "--dry-run", *rest)
    elif program in ("bentoml", "kubectl"):
        path = shutil.which(program, path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
        if path is not None:
            named = itertools.takewhile(lambda word: not word.startswith("-"), rest)
            assert flags_of(rest) <= known_flags(path, *named), words
    else:
        assert program in ELSEWHERE, words


def check_module(module: str, rest: list[str]) -> None:
    """Assert that one of our programs knows its flags; the cycle also reads their values."""
    command = [sys.executable, "-m", module]
    if module == "train.cycle":
        check_cycle(rest if {"--dry-run", "--help"} & set(rest) else [*rest, "--dry-run"])
        return
    if module in SUBCOMMANDS:
        assert rest == ["--help"] or rest[0] in SUBCOMMANDS[module], rest
        command += [rest[0]] * (rest[0] != "--help")
    assert flags_of(rest) - {"--help"} <= known_flags(*command), (module, rest)


def check_cycle(rest: list[str]) -> None:
    """Assert that the cycle takes these options; in this process, as there are many to ask for."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = cycle.main(rest)
        except SystemExit as ended:
            status = ended.code
    assert not status, f"train.cycle {rest}:\n{said.getvalue()}"
    assert "--help" in rest or json.loads(said.getvalue())["plan"], rest


def check_extras(rest: list[str]) -> None:
    """Assert that the extras of an installation from this folder exist."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for word in rest:
        if found := re.fullmatch(r"\.\[(.+)\]", word):
            assert set(found[1].split(",")) <= set(extras), word


@pytest.fixture
def root(tmp_path):
    """The repository as commands see it; what they write stays in `tmp_path`."""
    for name in LINKED:
        (tmp_path / name).symlink_to(ROOT / name)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


@pytest.mark.parametrize("block", RUN, ids=lambda block: block.where)
def test_a_block_without_a_mark_runs_as_printed(block: Block, root, tmp_path_factory):
    for program in MAY_BE_MISSING:
        if f"{program} " in block.text and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    settings = environment(tmp_path_factory.mktemp("home"), {"UV_OFFLINE": "1"})
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail"],
        cwd=root, env=settings, input=block.text, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_overlay_takes_the_image_that_the_page_names(root):
    (block,) = (block for block in RUN if "kustomization.yaml" in block.text)
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        ["bash", "-e"], cwd=root, input=block.text, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["image:", "registry.example.com/inverse-graphics:0.2.0"]
    # The README prints the same lines, for a cluster.
    told = (ROOT / "README.md").read_text()
    for line in block.text.splitlines()[:3]:
        assert line.partition("    #")[0] in told


@pytest.mark.parametrize("block", MARKED, ids=lambda block: block.where)
def test_a_marked_block_says_why_and_its_programs_know_its_flags(block: Block):
    assert MARK.fullmatch(block.mark), block.mark
    for words in commands(block.text):
        check(words)


def test_commands_within_sentences_exist():
    found = {command for page in PAGES for command in INLINE.findall(page.read_text())}
    assert found
    for command in sorted(found):
        for words in commands(command.replace("FILE", "file").replace("RUN", "run")):
            if words[:2] == ["bentoml", "serve"]:
                continue  # it has no help beside a service
            check(words)


def test_settings_within_sentences_exist():
    found = {words for page in PAGES for words in INLINE_SETTING.findall(page.read_text())}
    assert found
    for words in found:
        check_module("train.cycle", words.split())


def test_the_table_of_settings_has_them_all():
    text = (ROOT / "docs" / "serving.md").read_text().split("\n## Settings\n")[1].split("\n## ")[0]
    named = re.findall(r"^\| `([A-Z_]+)` \|", text, re.M)
    assert sorted(named) == sorted(name.upper() for name in vars(read_settings({})))


def test_every_block_says_what_it_is():
    kinds = {block.kind for page in PAGES for block in blocks(page)}
    assert kinds <= {"sh", "python", "yaml", "text"}, "shell commands stand in ```sh"
