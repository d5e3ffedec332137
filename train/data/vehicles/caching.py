"""Entry points into compiled code, cached on disk.

numba keeps a function's machine code until that function's own file changes. A kernel that it calls
may lie in another file: stale code would draw other vehicles than the source says. The cache's
files are named after the function, so a digest of all sources is made part of the name.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from types import FunctionType

from numba.core.dispatcher import Dispatcher

from graphics.compiled import cached

_cached = cached(error_model="numpy")


def sources_digest(files: Iterable[Path]) -> str:
    """Hexadecimal SHA-256 over the source files that compiled code is made from."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def entry_points(digest: str, *kernels: Dispatcher) -> list[Dispatcher]:
    """Each kernel compiled anew, its machine code kept on disk for this digest of the sources."""
    return [_cached(_renamed(kernel.py_func, digest)) for kernel in kernels]


def _renamed(function: FunctionType, digest: str) -> FunctionType:
    copy = FunctionType(function.__code__, function.__globals__, function.__name__)
    copy.__qualname__ = f"{function.__qualname__}_{digest[:16]}"
    return copy
