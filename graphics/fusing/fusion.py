"""From the readings of an object's photographs to one shape and the camera of each."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.fusing import STEPS
from graphics.fusing.joint import Reason, judge
from graphics.fusing.likeness import Comparison
from graphics.fusing.outlines import OutlineFit
from graphics.fusing.readings import Reading, turned
from graphics.mesh import Template

Array = NDArray[np.float32]

TURNED_WEIGHT = 1e-3
"""Of the shape and the texture that were read in a photograph taken for one of the other end; they
count where there is no other."""


class Fused(NamedTuple):
    """One object from N photographs."""

    vertices: Array
    """[V, 3], canonical frame"""
    texture: Array
    """[Ht, Wt, 3] in 0..1: as predicted, to be painted on"""
    cameras: Array
    """[N, 5]; of a photograph that is left out as it was read by itself"""
    turns_degrees: list[float]
    """N: by which a camera was turned, as the others showed; 0: it was not."""
    reasons: list[Reason | None]
    """N: why a photograph is left out; None: it is used."""
    weights: Array
    """[N] in 0..1: how much each photograph counts; 0: it is left out"""

    @property
    def used(self) -> list[int]:
        """Numbers of the photographs that are used."""
        return [number for number, reason in enumerate(self.reasons) if reason is None]


class NothingSeen(ValueError):
    """No photograph shows an object."""


class Fusion:
    """Fuses readings on one template. Safe to call from many threads at once."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self._comparison, self._fit = Comparison(template), OutlineFit(template)

    def __call__(self, readings: Sequence[Reading], steps: int = STEPS) -> Fused:
        """Fuse one object's photographs; `steps` of the fit to their outlines.

        Raises:
            NothingSeen: there is nothing in any of them.
        """
        verdicts = judge(readings, self._comparison)
        reasons: list[Reason | None] = [verdict.reason for verdict in verdicts]
        turns = [verdict.turn_degrees for verdict in verdicts]
        used = [number for number, reason in enumerate(reasons) if reason is None]
        if not used:
            raise NothingSeen("no photograph shows an object")
        cameras = np.stack(
            [
                turned(reading.camera, degrees)
                for reading, degrees in zip(readings, turns, strict=True)
            ]
        )
        weights = np.zeros(len(readings), np.float32)
        weights[used] = [max(readings[number].confidence, 1e-3) ** 2 for number in used]
        weights /= weights.max()
        right = weights * np.where(np.array(turns) == 0, 1, TURNED_WEIGHT)
        shares = (right / right.sum()).astype(np.float32)
        vertices = _mean([readings[number].vertices for number in used], shares[used])
        texture = _mean([readings[number].texture for number in used], shares[used])
        if steps:
            masks = [readings[number].mask for number in used]
            fitted = self._fit(vertices, cameras[used], masks, weights[used], steps)
            vertices, cameras[used] = fitted
        return Fused(vertices, texture, cameras, turns, reasons, weights)


def _mean(arrays: Sequence[Array], shares: Array) -> Array:
    """The mean of arrays of one shape by shares [N], whose sum is 1."""
    return np.tensordot(shares, np.stack(arrays), axes=1).astype(np.float32)
