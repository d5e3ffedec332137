"""Hostile files that a stock reader runs: here each is refused before anything in it runs."""

import argparse
import copyreg
import functools
import io
import os
import pickle

import pytest
import torch

from tests.train.checkpoints.official_files import (
    generator_weights,
    nvidia_pickle,
    official_modules,
)
from tests.train.checkpoints.pickle_programs import (
    Calls,
    in_tensor,
    program,
    stack_global,
    text,
    torch_saved,
    touch,
)
from train.checkpoints.refusal import CheckpointError
from train.checkpoints.safe_unpickler import ALLOWED
from train.checkpoints.stylegan_file import read_checkpoint
from train.import_stylegan import main

EXTENSION_CODE = 240


@pytest.fixture
def sentinel(tmp_path):
    return tmp_path / "something_ran"


ALIVE = {
    "os.system by REDUCE": lambda s: pickle.dumps(Calls(os.system, touch(s))),
    "the same deep inside a network's entry": lambda s: nvidia_pickle(
        generator_weights(16), extra=[{"more": (Calls(os.system, touch(s)),)}]
    ),
    "builtins.eval": lambda s: pickle.dumps(Calls(eval, f"__import__('os').mkdir({str(s)!r})")),
    "builtins.exec": lambda s: pickle.dumps(Calls(exec, f"import os; os.mkdir({str(s)!r})")),
    "functools.partial": lambda s: pickle.dumps(Calls(functools.partial(os.mkdir, str(s)))),
    "posix.system by GLOBAL": lambda s: program(
        b"cposix\nsystem\n", text(touch(s)), b"\x85R"
    ),
    "a dotted name by STACK_GLOBAL": lambda s: program(
        stack_global("os", "path.os.system"), text(touch(s)), b"\x85R"
    ),
    "a dotted name by GLOBAL": lambda s: program(
        b"cos\npath.os.system\n", text(touch(s)), b"\x85R"
    ),
    "a dotted name below an allowed module": lambda s: program(
        stack_global("torch.storage", "torch.os.mkdir"), text(s), b"\x85R"
    ),
    "nested getattr": lambda s: program(
        stack_global("builtins", "getattr"), stack_global("builtins", "__import__"), text("os"),
        b"\x85R", text("system"), b"\x86R", text(touch(s)), b"\x85R",
    ),
    "the opcode INST": lambda s: b"\x80\x03(" + f"V{s}\n".encode() + b"ios\nmkdir\n.",
    "the opcode OBJ": lambda s: program(b"(", stack_global("os", "mkdir"), text(s), b"o"),
    "the opcode NEWOBJ": lambda s: program(
        stack_global("subprocess", "Popen"), b")\x81"
    ),
    "an extension code": lambda s: program(
        b"\x82", bytes([EXTENSION_CODE]), text(touch(s)), b"\x85R"
    ),
    "bytes of a tensor that are a pickle": lambda s: in_tensor(
        pickle.dumps(Calls(os.system, touch(s)))
    ),
    "bytes of a tensor that torch saved": lambda s: in_tensor(
        torch_saved(Calls(os.system, touch(s)))
    ),
    "bytes of a tensor that torch saved as zip": lambda s: in_tensor(
        torch_saved(Calls(os.system, touch(s)), legacy=False)
    ),
    "BUILD that calls a __setstate__ of its own": lambda s: program(
        b"}", text("__setstate__"), stack_global("os", "system"), b"s0",
        stack_global("collections", "OrderedDict"), b")R", b"}", text("__setstate__"),
        stack_global("os", "system"), b"sb", text(touch(s)), b"b",
    ),
    "a torch.save of a call": lambda s: torch_saved({"g_ema": Calls(os.system, touch(s))}, False),
    "an old torch.save of a call": lambda s: torch_saved({"g_ema": Calls(os.system, touch(s))}),
    "a command line that holds a call": lambda s: torch_saved(
        {"g_ema": {}, "args": argparse.Namespace(a=Calls(os.system, touch(s)))}, False
    ),
}  # fmt: skip
"""Files by what they try; a stock reader runs nearly all of them."""
HARMLESS = ("the opcode NEWOBJ",)
"""Even a stock reader does not take it to an end."""


@pytest.fixture
def extension():
    copyreg.add_extension("os", "system", EXTENSION_CODE)
    yield
    copyreg.remove_extension("os", "system", EXTENSION_CODE)


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize("attempt", ALIVE)
def test_a_hostile_file_is_refused_before_anything_runs(attempt, sentinel, monkeypatch):
    # A setting that makes torch.load's default unsafe must not reach us.
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    content = ALIVE[attempt](sentinel)
    with pytest.raises(CheckpointError, match="nothing of the file was run"):
        read_checkpoint(content)
    assert not sentinel.exists()


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize("attempt", [name for name in ALIVE if name not in HARMLESS])
def test_a_stock_reader_would_have_run_it(attempt, sentinel):
    """Else the test above would prove nothing."""
    content = ALIVE[attempt](sentinel)
    if "torch.save" in attempt or "command line" in attempt:
        torch.load(io.BytesIO(content), weights_only=False)
    else:
        stock_load(content)
    assert sentinel.exists()


def stock_load(content):
    with official_modules():
        try:
            return pickle.loads(content)
        except (AssertionError, TypeError, AttributeError, RuntimeError, pickle.UnpicklingError):
            return None  # after the call


def test_the_refusal_says_what_was_found_what_is_allowed_and_what_to_do(tmp_path, sentinel, capsys):
    path = tmp_path / "car.pkl"
    path.write_bytes(ALIVE["os.system by REDUCE"](sentinel))
    assert main([str(path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert f"{path} asks for posix.system" in said
    assert all(name in said for name in ALLOWED)
    assert "nothing of the file was run; take the checkpoint from its publisher" in said
    assert said.count("\n") == 1 and not sentinel.exists()


def test_torchs_advice_to_load_without_its_fence_is_not_passed_on(sentinel):
    with pytest.raises(CheckpointError) as refused:
        read_checkpoint(ALIVE["a torch.save of a call"](sentinel))
    assert "posix.system" in str(refused.value) and "weights_only" not in str(refused.value)
