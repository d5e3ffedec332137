"""Sampled objects: a seed mixes them from the bundle's own sample photographs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np

from graphics.camera import NOMINAL_DISTANCE
from service.errors import ItemError
from service.pipeline.archive import Archive


class Samples:
    """The sample photographs, reconstructed when the first seed is asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._archives: tuple[Archive, ...] = ()
        self._reading = asyncio.Lock()

    async def sample(self, seed: int, read: Callable[[Path], Awaitable[Archive]]) -> Archive:
        """The sample of a seed; `read` reconstructs a photograph."""
        if not self._paths:
            raise ItemError("no_samples", "the bundle has no sample photographs: give id or npz")
        async with self._reading:
            if not self._archives:
                self._archives = tuple([await read(path) for path in self._paths])
        return mix(self._archives, seed)


def mix(archives: Sequence[Archive], seed: int) -> Archive:
    """A shape somewhere between all (weights from a flat Dirichlet distribution), the texture and
    the background of one each, and a camera from anywhere around, 0..30 degrees up."""
    random = np.random.default_rng(seed)
    weights = random.dirichlet(np.ones(len(archives)))
    texture, background = random.integers(len(archives), size=2)
    azimuth = random.uniform(-180, 180)
    elevation = random.uniform(0, 30)
    vertices = np.stack([archive.vertices for archive in archives])
    return Archive(
        np.tensordot(weights, vertices, axes=1).astype(np.float32),
        archives[texture].texture,
        archives[background].background,
        np.array([azimuth, elevation, NOMINAL_DISTANCE, 0, 0], np.float32),
    )
