"""A predicted shape against the true one: volumes, surfaces, and the mesh by itself.

What is compared to a prediction is made once per true shape. Comparisons are in the canonical
frame, in units of the true shape's longest side.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter
from scipy.spatial import KDTree

from train.metrics.mesh_quality import flipped_faces, self_intersections, watertight
from train.metrics.surfaces import chamfer_distance, fscore, icp, surface_points
from train.metrics.voxels import VOXELS, box_of, fit_to_box, visible_hull, volume_iou, voxelise

LARGEST_GROWTH = 4  # a prediction is cut off beyond this many times the true shape's box


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
        voxels = (visible_hull if self.hollow else voxelise)(vertices, self.faces)
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
    # Beyond the grid nothing is solid, so that its outermost voxels are never deep.
    deep = np.asarray(minimum_filter(voxels, 3, mode="constant", cval=0), np.bool_)
    x, y, z = np.clip(indices, 0, len(voxels) - 1).T
    buried = deep[y, x, z]
    return points[~buried] if not buried.all() else points


POINT_STEP = 3  # one point in so many is paired with the nearest of the other surface


class ShapeScores(NamedTuple):
    """Metrics of one shape; the report says how each is measured."""

    iou3d_canonical: float
    iou3d_canonical_icp: float
    iou3d_bbox: float
    chamfer: float
    fscore: float
    watertight: float
    flipped_faces: float
    self_intersections: float


def compare_shapes(
    vertices: NDArray[np.floating],  # [V, 3] in the canonical frame
    faces: NDArray[np.integer],  # [F, 3], closed
    true: Shape,
) -> ShapeScores:
    """Compare one shape with the true one, in the true shape's box."""
    placed = true.in_box(vertices)
    target, predicted = true.solid, solid_beside(placed, faces)
    ours, theirs = _tree(predicted.points), _tree(target.points)
    aligned = icp(ours, theirs).apply(placed)
    # Every third point against all of the other surface: so equal surfaces are hardly apart.
    there, back = theirs.query(ours.data[::POINT_STEP])[0], ours.query(theirs.data[::POINT_STEP])[0]
    return ShapeScores(
        iou3d_canonical=volume_iou(predicted.voxels, target.voxels),
        iou3d_canonical_icp=volume_iou(voxels_beside(aligned, faces), target.voxels),
        iou3d_bbox=volume_iou(voxelise(fit_to_box(vertices), faces), target.voxels),
        chamfer=chamfer_distance(there, back),
        fscore=fscore(there, back),
        watertight=float(watertight(faces)),
        flipped_faces=flipped_faces(vertices, faces),
        self_intersections=self_intersections(vertices, faces),
    )


def _tree(points: NDArray[np.floating]) -> KDTree:
    """Built in a third of the time that a balanced one takes, for points spread this evenly."""
    return KDTree(points, balanced_tree=False, compact_nodes=False)
