"""Chamfer distance: how far apart two surfaces are, on points sampled evenly from each."""

import numba
import numpy as np
from numpy.typing import NDArray

POINTS = 2048
"""Points sampled from each surface."""


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
    # One point per equal stretch of area: evener than independent draws.
    places = (np.arange(count) + generator.random(count)) / count * cumulated[-1]
    chosen = np.minimum(np.searchsorted(cumulated, places, side="right"), len(faces) - 1)
    first, second = generator.random((2, count, 1))
    # Fold the half of the parallelogram that is beyond the triangle back into it.
    beyond = first + second > 1
    first, second = np.where(beyond, 1 - first, first), np.where(beyond, 1 - second, second)
    return corners[chosen, 0] + first * sides[chosen, 0] + second * sides[chosen, 1]


def nearest_distances(
    points: NDArray[np.floating],  # [N, 3]
    others: NDArray[np.floating],  # [M, 3]
) -> NDArray[np.float64]:
    """Distance [N] from each point to the nearest of the others."""
    return _nearest_distances(
        np.ascontiguousarray(points, np.float64), np.ascontiguousarray(others.T, np.float64)
    )


def chamfer_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Mean distance to the nearest point of the other set, both ways averaged; the points' units.

    Two samples of one surface are not at 0: they are about half the points' spacing apart.
    """
    there = nearest_distances(first, second).mean()
    back = nearest_distances(second, first).mean()
    return float(there + back) / 2


@numba.njit(cache=True, nogil=True, fastmath=True)
def _nearest_distances(
    points: NDArray[np.float64],  # [N, 3]
    others: NDArray[np.float64],  # [3, M]
) -> NDArray[np.float64]:
    distances = np.empty(points.shape[0])
    for index in range(points.shape[0]):
        x, y, z = points[index, 0], points[index, 1], points[index, 2]
        nearest = np.inf
        for other in range(others.shape[1]):
            dx, dy, dz = others[0, other] - x, others[1, other] - y, others[2, other] - z
            nearest = min(nearest, dx * dx + dy * dy + dz * dz)
        distances[index] = np.sqrt(nearest)
    return distances
