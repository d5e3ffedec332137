"""The best similarity between two surfaces: Umeyama's closed form inside ICP."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

ITERATIONS = 12
SAMPLED = 200
"""Points of each surface that are paired with the nearest of all points of the other."""


class Similarity(NamedTuple):
    """x -> scale * rotation x + shift."""

    scale: float
    rotation: NDArray[np.float64]
    """[3, 3]"""
    shift: NDArray[np.float64]
    """[3]"""

    def apply(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move points [N, 3]."""
        return self.scale * points @ self.rotation.T + self.shift

    def undo(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where points [N, 3] were before they were moved."""
        return (points - self.shift) @ self.rotation / self.scale


def umeyama(
    source: NDArray[np.floating],  # [N, 3]
    target: NDArray[np.floating],  # [N, 3]
) -> Similarity:
    """The similarity with the least squared distance of each source point to its target point
    (Umeyama 1991, eq. 34-42); no reflection. Coincident points only move."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    first, second = source - source_mean, target - target_mean
    left, values, right = np.linalg.svd(second.T @ first / len(source))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = (left * signs) @ right
    spread = np.square(first).sum() / len(source)
    scale = float((values * signs).sum() / spread) if spread > 0 else 1.0
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean)


def icp(source: KDTree, target: KDTree) -> Similarity:
    """Iterative closest points (Besl and McKay 1992) with scale, of points [N, 3] onto [M, 3], from
    where the two stand.

    Pairs go both ways, each point to the nearest of the other surface: pairs of one way alone would
    let a growing or shrinking source please itself. A local optimum: it takes out small shifts and
    turns, a front taken for a back stays one.
    """
    ours = source.data[:: max(source.n // SAMPLED, 1)]
    theirs = target.data[:: max(target.n // SAMPLED, 1)]
    found = Similarity(1.0, np.eye(3), np.zeros(3))
    for _ in range(ITERATIONS):
        there = target.query(found.apply(ours))[1]
        back = source.query(found.undo(theirs))[1]
        found = umeyama(
            np.concatenate([ours, source.data[back]]), np.concatenate([target.data[there], theirs])
        )
    return found
