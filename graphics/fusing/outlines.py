"""A shape and its cameras fitted to the outlines of all masks at once, without gradients of pixels.

Each vertex on the rim of a silhouette looks along its normal, in the image, for the edge of the
mask. Gauss-Newton steps move the vertices and cameras that way. Vertices move by a smooth field, a
few dozen bumps over the template, so that a view moves what lies around its rim too. On a symmetric
template the field is its own mirror image.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import DISTANCE, MINIMUM_DEPTH, Projected, focal_length, project, view_matrices
from graphics.fusing.readings import covered
from graphics.mesh import Template, vertex_normals
from graphics.render import View, look

Array = NDArray[np.float64]

BUMPS = 64
"""Of a shape's field; twice as many on a symmetric template, mirror images of each other."""
REACH = 0.12
"""Image units, of which an image has 2, by which an outline is looked for to either side."""
LOOKS = 25
"""Places along the normal that are looked at."""
OUTLIER = 0.04
"""Image units off at which an outline counts half: it may be another part's."""
ERROR = 0.04
"""Standard deviation of an outline in image units; neighbours err together, hence so much."""
CAMERA_ERRORS = (4.0, 4.0, 0.2, 0.02, 0.02)
"""Standard deviations of what a network says of a camera: degrees, object and image units."""
MOVE_ERROR, ROUGHNESS = 0.1, 0.02
"""Standard deviations of a vertex's move, and of its difference from its neighbours' moves: object
units."""
NUDGES = (0.1, 0.1, 1e-3, 1e-3, 1e-3)
"""Steps of the numerical derivative by a camera's numbers."""


class Fitted(NamedTuple):
    """A shape and the cameras that it is seen from."""

    vertices: NDArray[np.float32]
    """[V, 3]"""
    cameras: NDArray[np.float32]
    """[N, 5]"""


class _Rim(NamedTuple):
    """P vertices on the rim of a silhouette, and where the mask has its edge."""

    vertices: NDArray[np.int32]
    """[P]"""
    normals: Array
    """[P, 2], outward in the image"""
    errors: Array
    """[P] image units from the vertex to the edge, along the normal"""


class OutlineFit:
    """Fits shapes of one template."""

    def __init__(self, template: Template) -> None:
        self.template = template
        field = _bumps(template)
        if template.symmetric:
            mirrored = field[template.mirror]
            self.fields = (field - mirrored, field + mirrored, field + mirrored)
        else:
            self.fields = (field, field, field)
        self.stiffness = [self._stiffness(each) for each in self.fields]

    def __call__(
        self,
        vertices: NDArray[np.float32],  # [V, 3]
        cameras: NDArray[np.float32],  # [N, 5]
        masks: list[NDArray[np.float32]],  # N of [R, R] in 0..1
        weights: NDArray[np.floating],  # [N] in 0..1: how much each photograph counts
        steps: int,
    ) -> Fitted:
        """The shape and the cameras after so many steps."""
        width, count = self.fields[0].shape[1], len(cameras)
        start, first = vertices.astype(np.float64), cameras.astype(np.float64)
        moved = np.zeros(3 * width + 5 * count)
        prior = np.zeros((len(moved), len(moved)))
        for axis, stiffness in enumerate(self.stiffness):
            own = slice(axis * width, (axis + 1) * width)
            prior[own, own] = stiffness
        camera_prior = np.tile(np.array(CAMERA_ERRORS) ** -2, count)
        prior[3 * width :, 3 * width :] = np.diag(camera_prior)
        for _ in range(steps):
            shape, seen_from = self._at(start, first, moved)
            matrix, pull = prior.copy(), -prior @ moved
            shapes = shape.astype(np.float32).repeat(count, 0)
            view = look(shapes, seen_from.astype(np.float32), self.template)
            for number, mask in enumerate(masks):
                rim = self._rim(view, number, mask)
                rows = self._rows(shape[0], seen_from[number], rim, number, len(moved))
                each = weights[number] / (1 + (rim.errors / OUTLIER) ** 2) / ERROR**2
                matrix += rows.T @ (each[:, None] * rows)
                pull += rows.T @ (each * rim.errors)
            moved = moved + np.linalg.solve(matrix, pull)
        shape, seen_from = self._at(start, first, moved)
        return Fitted(shape[0].astype(np.float32), seen_from.astype(np.float32))

    def _at(self, start: Array, first: Array, moved: Array) -> tuple[Array, Array]:
        """Vertices [1, V, 3] and cameras [N, 5] after a move."""
        width = self.fields[0].shape[1]
        moves = [
            field @ moved[axis * width : (axis + 1) * width]
            for axis, field in enumerate(self.fields)
        ]
        cameras = first + moved[3 * width :].reshape(first.shape)
        cameras[:, DISTANCE] = np.maximum(cameras[:, DISTANCE], first[:, DISTANCE] / 2)
        return (start + np.stack(moves, axis=-1))[None], cameras

    def _stiffness(self, field: Array) -> Array:
        """[K, K]: what a move costs, by its size and by its differences along edges."""
        first, second = self.template.edges.T
        bends = field[first] - field[second]
        # Vertices beside each other say the same: finer templates are no stiffer.
        share = BUMPS / len(field)
        return share * (
            field.T @ field / MOVE_ERROR**2 + bends.T @ bends / (3 * ROUGHNESS**2)
        ) + 1e-6 * np.eye(field.shape[1])

    def _rim(self, view: View, number: int, mask: NDArray[np.float32]) -> _Rim:
        """The vertices on a silhouette's rim that find the mask's edge."""
        size = len(mask)
        facing = view.facing[number][self.template.edge_faces]  # [E, 2]
        on_rim = np.unique(self.template.edges[facing[:, 0] != facing[:, 1]])
        places = view.projected.vertices_image[number, on_rim].astype(np.float64)  # [P, 2]
        depths = view.projected.vertices_camera[number]
        normals = vertex_normals(depths, self.template.faces)[on_rim, :2].astype(np.float64)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        columns, rows = (np.clip((places * (1, -1) + 1) / 2, 0, 1) * (size - 1)).round().T
        outer = ~_eroded(covered(view, size, number))[rows.astype(int), columns.astype(int)]
        steps = np.linspace(-REACH, REACH, LOOKS)
        looked = places[:, None] + steps[:, None] * normals[:, None]  # [P, L, 2]
        inside = _sampled(mask, looked) - 0.5
        leaves = (inside[:, :-1] >= 0) & (inside[:, 1:] < 0)
        off = np.where(leaves, np.abs(steps[:-1] + steps[1:]), np.inf)
        nearest = off.argmin(axis=1)
        every = np.arange(len(nearest))
        high, low = inside[every, nearest], inside[every, nearest + 1]
        errors = steps[nearest] + (steps[1] - steps[0]) * high / np.maximum(high - low, 1e-6)
        # Beyond the image's border nothing is known of the object.
        found = leaves.any(axis=1) & outer & (np.abs(looked) < 1).all(axis=(1, 2))
        return _Rim(on_rim[found], normals[found], errors[found])

    def _rows(
        self, shape: Array, camera: Array, rim: _Rim, number: int, unknowns: int
    ) -> Array:  # [P, unknowns]
        """How far along the normals each unknown moves the rim's vertices."""
        points = shape[rim.vertices]
        matrix = view_matrices(camera[None])[0]
        placed = project(points[None], camera[None])
        across = _slopes(placed, matrix)  # [P, 2, 3]
        along = np.einsum("pi,pij->pj", rim.normals, across)  # [P, 3]
        rows = np.zeros((len(points), unknowns))
        width = self.fields[0].shape[1]
        for axis, field in enumerate(self.fields):
            rows[:, axis * width : (axis + 1) * width] = along[:, [axis]] * field[rim.vertices]
        nudged = camera + np.diag(NUDGES)  # [5, 5]
        there = project(np.broadcast_to(points, (5, *points.shape)), nudged).vertices_image
        moves = (there - placed.vertices_image) / np.array(NUDGES)[:, None, None]  # [5, P, 2]
        begin = 3 * width + 5 * number
        rows[:, begin : begin + 5] = np.einsum("kpi,pi->pk", moves, rim.normals)
        return rows


def _slopes(placed: Projected, matrix: Array) -> Array:
    """Derivatives [P, 2, 3] of the places in the image by those in space."""
    seen = placed.vertices_camera[0]  # [P, 3]
    depth = np.maximum(-seen[:, 2], MINIMUM_DEPTH)[:, None, None]
    turn = matrix[:3, :3]
    return focal_length() * (turn[:2] / depth + seen[:, :2, None] * turn[2] / depth**2)


def _bumps(template: Template) -> Array:
    """A field [V, K] of smooth bumps over the template, which sum to 1 at each vertex."""
    places = template.vertices.astype(np.float64)
    allowed = places[:, 0] >= -1e-6 if template.symmetric else np.ones(len(places), np.bool_)
    centres = [int(np.flatnonzero(allowed)[0])]
    apart = np.linalg.norm(places - places[centres[0]], axis=1)
    while len(centres) < min(BUMPS, int(allowed.sum())):
        centres.append(int(np.where(allowed, apart, -1).argmax()))
        apart = np.minimum(apart, np.linalg.norm(places - places[centres[-1]], axis=1))
    spread = max(float(apart[allowed].max()), 1e-6)
    squares = np.square(places[:, None] - places[centres]).sum(axis=-1)
    field = np.exp(-squares / (2 * spread**2))
    whole = field + field[template.mirror] if template.symmetric else field
    return field / np.maximum(whole.sum(axis=1, keepdims=True), 1e-12)


def _eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without what lies within two pixels of the rim."""
    wide = np.pad(mask, 2)
    rows = np.logical_and.reduce([wide[i : i + len(mask)] for i in range(5)])
    return np.logical_and.reduce([rows[:, i : i + len(mask)] for i in range(5)])


def _sampled(mask: NDArray[np.float32], places: Array) -> Array:
    """The mask, bilinear, at places [P, L, 2] of the image."""
    size = len(mask)
    columns = np.clip((places[..., 0] + 1) * size / 2 - 0.5, 0, size - 1.001)
    rows = np.clip((1 - places[..., 1]) * size / 2 - 0.5, 0, size - 1.001)
    left, top = columns.astype(int), rows.astype(int)
    right, down = columns - left, rows - top
    upper = mask[top, left] * (1 - right) + mask[top, left + 1] * right
    lower = mask[top + 1, left] * (1 - right) + mask[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down
