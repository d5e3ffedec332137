"""The package's entry points into compiled code, cached on disk.

numba keeps a function's machine code until that function's own file changes. A kernel that it calls
may lie in another file: stale code would make other vehicles than the source says. Variables of a
closure are part of numba's key, so a digest of all sources is made one.
"""

import hashlib
from pathlib import Path
from typing import Any

import numba
from numba.core.dispatcher import Dispatcher

from graphics import camera
from train.data.vehicles import atlas, photography

_cached = numba.njit(cache=True, nogil=True, error_model="numpy")


def _sources_digest() -> str:
    """SHA-256 over every source file the compiled code is made from."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), Path(camera.__file__)]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _entry_points(digest: str) -> tuple[Dispatcher, ...]:
    @_cached
    def sample_records(*arguments: Any) -> None:
        assert digest
        photography.sample_records(*arguments)

    @_cached
    def sample_cameras(*arguments: Any) -> None:
        assert digest
        photography.sample_cameras(*arguments)

    @_cached
    def take(*arguments: Any) -> None:
        assert digest
        photography.take(*arguments)

    @_cached
    def surround(*arguments: Any) -> None:
        assert digest
        photography.surround(*arguments)

    @_cached
    def bake(*arguments: Any) -> None:
        assert digest
        atlas.bake(*arguments)

    return sample_records, sample_cameras, take, surround, bake


sample_records, sample_cameras, take, surround, bake = _entry_points(_sources_digest())
