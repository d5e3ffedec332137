"""Chamfer distance and F-score: how far apart two surfaces are, on points sampled evenly."""

import numpy as np
from numpy.typing import NDArray

POINTS = 10_000
"""Points sampled from each surface."""
FSCORE_DISTANCE = 0.02
"""In units of the true shape's longest side: surfaces closer than this agree."""


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
