"""The package's entry points into compiled code, cached on disk.

numba keeps a function's machine code until that function's own file changes. A kernel that it calls
may lie in another file: stale code would make other vehicles than the source says. Variables of a
closure are part of numba's key, so a digest of all sources is made one.
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
    sample_records: Dispatcher
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
    def sample_records(
        seed: int, indices: np.ndarray, vehicles: np.ndarray, scenes: np.ndarray
    ) -> None:
        assert digest
        photography.sample_records(seed, indices, vehicles, scenes)

    @_cached
    def sample_cameras(seed: int, indices: np.ndarray, cameras: np.ndarray) -> None:
        assert digest
        photography.sample_cameras(seed, indices, cameras)

    @_cached
    def take(
        vehicles: np.ndarray, scenes: np.ndarray, cameras: np.ndarray, frame: bool,
        buffers: Studio, pictures: tuple[np.ndarray, np.ndarray],
    ) -> None:  # fmt: skip
        assert digest
        photography.take(vehicles, scenes, cameras, frame, buffers, pictures)

    @_cached
    def surround(
        vehicle: np.record, scene: np.record, cameras: np.ndarray, images: np.ndarray
    ) -> None:
        assert digest
        photography.surround(vehicle, scene, cameras, images)

    @_cached
    def bake(
        vehicle: np.record, vertices: np.ndarray, corners: np.ndarray, texture: np.ndarray
    ) -> None:
        assert digest
        photography.prepare(vehicle, vertices)
        atlas.bake(vehicle, vertices, corners, texture)

    return _EntryPoints(sample_records, sample_cameras, take, surround, bake)


sample_records, sample_cameras, take, surround, bake = _entry_points(_sources_digest())
