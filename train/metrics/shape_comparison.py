"""A predicted shape against the true one: volumes, surfaces, and the mesh by itself."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from train.metrics.alignment import icp
from train.metrics.chamfer import chamfer_distance, fscore
from train.metrics.mesh_quality import flipped_faces, self_intersections, watertight
from train.metrics.true_shape import Shape, solid_beside, solid_iou, voxels_beside
from train.metrics.volume_iou import fit_to_box, volume_iou, voxelise

POINT_STEP = 3
"""One point in so many is paired with the nearest of the other surface."""


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
        iou3d_canonical=solid_iou(predicted.voxels, target.voxels),
        iou3d_canonical_icp=solid_iou(voxels_beside(aligned, faces), target.voxels),
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
