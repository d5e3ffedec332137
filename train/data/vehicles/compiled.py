"""The package's entry points into compiled code, cached on disk.

numba keeps a function's machine code until that function's own file changes, even when a kernel
it calls, in another file, has changed: stale code would then draw other vehicles than the source
says. Variables of a closure are part of numba's key, so a digest of all sources is made one.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from graphics import camera
from train.data.vehicles import atlas, photography
from train.data.vehicles.visibility import Studio

_cached = numba.njit(cache=True, nogil=True, error_model="numpy")


class _EntryPoints(NamedTuple):
    draw_things: Dispatcher
    sample_cameras: Dispatcher
    take: Dispatcher
    surround: Dispatcher
    bake: Dispatcher


def _sources_digest() -> str:
    """SHA-256 over every source file the compiled code is made from."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), Path(camera.__file__)]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _entry_points(digest: str) -> _EntryPoints:
    @_cached
    def draw_things(seed: int, indices: np.ndarray, things: np.ndarray, places: np.ndarray) -> None:
        assert digest
        photography.draw_things(seed, indices, things, places)

    @_cached
    def sample_cameras(seed: int, indices: np.ndarray, cameras: np.ndarray) -> None:
        assert digest
        photography.sample_cameras(seed, indices, cameras)

    @_cached
    def take(
        things: np.ndarray, places: np.ndarray, cameras: np.ndarray, frame: bool,
        buffers: Studio, pictures: tuple[np.ndarray, np.ndarray],
    ) -> None:  # fmt: skip
        assert digest
        photography.take(things, places, cameras, frame, buffers, pictures)

    @_cached
    def surround(thing: np.void, place: np.void, cameras: np.ndarray, images: np.ndarray) -> None:
        assert digest
        photography.surround(thing, place, cameras, images)

    @_cached
    def bake(
        thing: np.void, vertices: np.ndarray, corners: np.ndarray, texture: np.ndarray
    ) -> None:
        assert digest
        photography.prepare(thing, vertices)
        atlas.bake(thing, vertices, corners, texture)

    return _EntryPoints(draw_things, sample_cameras, take, surround, bake)


draw_things, sample_cameras, take, surround, bake = _entry_points(_sources_digest())
