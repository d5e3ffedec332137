"""How far apart two surfaces are, on points sampled evenly, and the similarity that fits them best.

The distances are Chamfer and the F-score; the similarity is Umeyama's closed form inside ICP.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

POINTS = 10_000  # points sampled from each surface
FSCORE_DISTANCE = 0.02  # in units of the true shape's longest side: surfaces closer than this agree


def surface_points(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    count: int = POINTS,
    seed: int = 0,
) -> NDArray[np.float64]:
    """`count` points `[count, 3]` spread evenly over the area of a mesh; the same for a seed.

    Surfaces hidden inside other parts count like visible ones.
    """
    corners = np.asarray(vertices, np.float64)[faces]  # [F, 3, 3]
    sides = corners[:, 1:] - corners[:, :1]
    cumulated = np.cumsum(np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1))
    if not cumulated[-1] > 0:
        raise ValueError(f"the surface of {len(faces)} faces has no area to sample points from")
    generator = np.random.default_rng(seed)
    # One point per equal stretch of area: evener than independent samples.
    areas = (np.arange(count) + generator.random(count)) / count * cumulated[-1]
    chosen = np.minimum(np.searchsorted(cumulated, areas, side="right"), len(faces) - 1)
    first, second = generator.random((2, count, 1))
    # Fold the half of the parallelogram that is beyond the triangle back into it.
    beyond = first + second > 1
    first, second = np.where(beyond, 1 - first, first), np.where(beyond, 1 - second, second)
    return corners[chosen, 0] + first * sides[chosen, 0] + second * sides[chosen, 1]


def chamfer_distance(
    there: NDArray[np.floating],  # [N] from each point of one surface to the other surface
    back: NDArray[np.floating],  # [M] from each point of the other to the one
) -> float:
    """Mean distance to the nearest point of the other set, both ways averaged; the points' units.

    Two samples of one surface are not at 0: they are about half the points' spacing apart.
    """
    return float(there.mean() + back.mean()) / 2


def fscore(
    there: NDArray[np.floating],  # [N] from the predicted surface to the true one
    back: NDArray[np.floating],  # [M] from the true surface to the predicted one
) -> float:
    """Harmonic mean of the shares of points, 0..1, that are within 0.02 of the other surface
    (Tatarchenko et al. 2019)."""
    precision, recall = np.mean(there <= FSCORE_DISTANCE), np.mean(back <= FSCORE_DISTANCE)
    total = precision + recall
    return float(2 * precision * recall / total) if total > 0 else 0.0


ITERATIONS = 12
SAMPLED = 200  # points of each surface that are paired with the nearest of all points of the other


class Similarity(NamedTuple):
    """x -> scale * rotation x + shift."""

    scale: float
    rotation: NDArray[np.float64]  # [3, 3]
    shift: NDArray[np.float64]  # [3]

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
