"""True shapes: as surfaces, and as what is compared to a prediction, made once per shape.

Comparisons are in the canonical frame, in units of the true shape's longest side.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from train.metrics.chamfer import surface_points
from train.metrics.visible_hull import visible_hull
from train.metrics.volume_iou import VOXELS, box_of, voxelise

LARGEST_GROWTH = 4
"""A prediction is cut off beyond this many times the true shape's box."""


class Solid(NamedTuple):
    """A shape in the box of a true one: its centre at 0, its longest side 1."""

    voxels: NDArray[np.bool_]
    """[S, S, S] y, x, z; S is 64 for the true shape, more where a prediction sticks out. Voxels of
    two solids have one size, and their grids one middle."""
    points: NDArray[np.float64]
    """[P, 3] spread evenly over the surface that is not buried in the solid."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A true shape in the canonical frame."""

    vertices: NDArray[np.floating]
    """[V, 3]"""
    faces: NDArray[np.integer]
    """[F, 3]"""
    hollow: bool = False
    """False: closed parts, outward, that may overlap; what their winding number is not zero in is
    solid. True: any triangles; what cannot be seen from outside is solid."""

    @cached_property
    def box(self) -> tuple[NDArray[np.float64], float]:
        """Centre [3] and longest side of the bounding box."""
        return box_of(self.vertices[np.unique(self.faces)])

    @cached_property
    def solid(self) -> Solid:
        """The shape in its own box."""
        vertices = self.in_box(self.vertices)
        if self.hollow:
            voxels = visible_hull(vertices, self.faces)
        else:
            voxels = voxelise(vertices, self.faces)
        return Solid(voxels, exposed_points(vertices, self.faces, voxels, seed=2))

    def in_box(self, vertices: NDArray[np.floating]) -> NDArray[np.float64]:
        """Vertices [V, 3] of the canonical frame in units of this shape's box."""
        centre, longest = self.box
        return (np.asarray(vertices, np.float64) - centre) / longest


def solid_beside(
    vertices: NDArray[np.floating],  # [V, 3], in the box of the true shape
    faces: NDArray[np.integer],  # [F, 3], closed
) -> Solid:
    """A prediction as a solid, with its exposed surface."""
    voxels = voxels_beside(vertices, faces)
    return Solid(voxels, exposed_points(vertices, faces, voxels, seed=1))


def voxels_beside(
    vertices: NDArray[np.floating],  # [V, 3], in the box of the true shape
    faces: NDArray[np.integer],  # [F, 3], closed
) -> NDArray[np.bool_]:
    """The voxels of a prediction, [S, S, S], S even, at least 64 and at most 256."""
    reach = min(2 * float(np.abs(vertices).max()), LARGEST_GROWTH)
    size = VOXELS + 2 * max(int(np.ceil((reach - 1) * VOXELS / 2)), 0)
    return voxelise(np.asarray(vertices, np.float64) * (VOXELS / size), faces, size)


def exposed_points(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    voxels: NDArray[np.bool_],  # [S, S, S], of the size of 64 to a unit, around 0
    seed: int,
) -> NDArray[np.float64]:
    """Points [P, 3] of the surface, P up to 10,000, without what lies deep in the solid.

    Overlapping parts have surface inside each other, which no photograph shows and no prediction
    can be asked for. Deep: all 27 voxels around are solid. All points, where none is exposed.
    """
    points = surface_points(vertices, faces, seed=seed)
    indices = np.floor(points * VOXELS + len(voxels) / 2).astype(np.int64)
    deep = voxels
    for axis in range(3):
        # Beyond the grid nothing is solid, so that its outermost voxels are never deep.
        padded = np.pad(deep, [(1, 1) if number == axis else (0, 0) for number in range(3)])
        before, after = (np.roll(padded, step, axis) for step in (1, -1))
        inner = tuple(slice(1, -1) if number == axis else slice(None) for number in range(3))
        deep = (padded & before & after)[inner]
    x, y, z = np.clip(indices, 0, len(voxels) - 1).T
    buried = deep[y, x, z]
    return points[~buried] if not buried.all() else points


def solid_iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Voxels in both over voxels in either; the smaller grid is taken as empty around."""
    small, large = sorted((first, second), key=len)
    start = (len(large) - len(small)) // 2
    inner = large[(slice(start, start + len(small)),) * 3]
    both = int(np.count_nonzero(inner & small))
    either = int(np.count_nonzero(large)) + int(np.count_nonzero(small)) - both
    return both / either if either else 1.0
