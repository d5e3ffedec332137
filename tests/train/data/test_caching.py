import importlib
import sys

import pytest

from train.data.vehicles.caching import entry_points, sources_digest

SOURCE = """
from train.data.vehicles.counter import kernel

@kernel
def double(number):
    return 2 * number
"""


@pytest.fixture
def double(tmp_path, monkeypatch):
    (tmp_path / "doubling.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("doubling").double
    del sys.modules["doubling"]


def compiles(kernel, digest):
    """Whether an entry point had to be compiled, rather than read from the disk."""
    (entry_point,) = entry_points(digest, kernel)
    assert entry_point(21) == 42
    return not entry_point.stats.cache_hits


def test_machine_code_is_kept_until_a_source_changes(double):
    assert compiles(double, "a" * 64)
    assert not compiles(double, "a" * 64)
    assert compiles(double, "b" * 64)
    assert not compiles(double, "a" * 64)


def test_the_digest_changes_with_any_source(tmp_path):
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text("one = 1\n")
    second.write_text("two = 2\n")
    digest = sources_digest([first, second])
    assert digest == sources_digest([first, second]) and len(digest) == 64
    second.write_text("two = 3\n")
    assert digest != sources_digest([first, second])
