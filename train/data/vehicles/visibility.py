"""Which face every sample of one picture sees.

Not `graphics.rasterize`: here rear faces are culled and surface positions are perspective-exact.
All steps of one image are computed while it is in the cache, and no array of [images, samples, ...]
is ever written. That is what makes a photograph cost under 1 ms.
"""

from typing import NamedTuple

import numpy as np

from graphics.camera import FIELD_OF_VIEW_DEGREES
from train.data.vehicles.counter import inlined, kernel

TANGENT = float(np.tan(np.radians(0.5 * FIELD_OF_VIEW_DEGREES)))
_MARGIN = 0.98  # image position beyond which nothing of a photographed object may lie


# Rows of `Studio.work`. EYE is the direction of the camera, STAGE what `scene.set_stage` writes.
POSITION, NORMAL, EYE, SURFACE, BACKGROUND, STAGE = range(6)


class Studio(NamedTuple):
    """Buffers of one picture, reused for the next; float64 but for `faces` and `seen`."""

    faces: np.ndarray
    """int32 [F, 3], outward counter-clockwise."""
    vertices: np.ndarray
    """[V, 3] in the canonical frame."""
    normals: np.ndarray
    """[V + F, 3] unit normals, of the vertices and then of the faces."""
    image: np.ndarray
    """[V, 3] image x and y without the camera's offset, and inverse depth."""
    axes: np.ndarray
    """[4, 3] right, up, backward and eye of the camera."""
    planes: np.ndarray
    """[F, 3, 3] each corner's weight as (per column, per row, constant)."""
    closest: np.ndarray
    """[S, S] inverse depth of the closest surface."""
    seen: np.ndarray
    """[S, S] int32 face of the closest surface, -1 where none."""
    work: np.ndarray
    """[6, 4] scratch, see POSITION .. STAGE."""


def studio(side: int, faces: np.ndarray, vertices: int) -> Studio:
    """Buffers for pictures, side x side samples, of a mesh with so many vertices."""
    count = len(faces)
    return Studio(
        faces=faces, vertices=np.empty((vertices, 3)), normals=np.empty((vertices + count, 3)),
        image=np.empty((vertices, 3)), axes=np.empty((4, 3)),
        planes=np.empty((count, 3, 3)), closest=np.empty((side, side)),
        seen=np.empty((side, side), np.int32), work=np.zeros((6, 4)),
    )  # fmt: skip


@kernel
def look(camera: np.ndarray, view: np.ndarray) -> None:
    """Write right, up, backward and eye [4, 3] of a camera [5], in the object's frame."""
    azimuth, elevation = np.radians(np.float64(camera[0])), np.radians(np.float64(camera[1]))
    view[0, 0], view[0, 1], view[0, 2] = np.cos(azimuth), 0.0, -np.sin(azimuth)
    view[1, 0] = -np.sin(elevation) * np.sin(azimuth)
    view[1, 1] = np.cos(elevation)
    view[1, 2] = -np.sin(elevation) * np.cos(azimuth)
    view[2, 0] = np.cos(elevation) * np.sin(azimuth)
    view[2, 1] = np.sin(elevation)
    view[2, 2] = np.cos(elevation) * np.cos(azimuth)
    for axis in range(3):
        view[3, axis] = np.float64(camera[2]) * view[2, axis]


@kernel
def project(buffers: Studio) -> None:
    """Fill `image` from `vertices` and `axes`."""
    vertices, view = buffers.vertices, buffers.axes
    for vertex in range(len(vertices)):
        right = up = backward = 0.0
        for axis in range(3):
            right += vertices[vertex, axis] * view[0, axis]
            up += vertices[vertex, axis] * view[1, axis]
            backward += (vertices[vertex, axis] - view[3, axis]) * view[2, axis]
        inverse_depth = -1.0 / backward
        buffers.image[vertex, 0] = right * inverse_depth / TANGENT
        buffers.image[vertex, 1] = up * inverse_depth / TANGENT
        buffers.image[vertex, 2] = inverse_depth


@kernel
def keep_inside(image: np.ndarray, camera: np.ndarray) -> None:
    """Shrink the camera's offsets where they would push the object out of the picture."""
    for axis in range(2):
        low, high = image[:, axis].min(), image[:, axis].max()
        highest = max(0.0, _MARGIN - high)
        lowest = min(0.0, -_MARGIN - low)
        camera[3 + axis] = max(lowest, min(highest, camera[3 + axis]))


@kernel
def fill_normals(buffers: Studio) -> None:
    """Fill the area-weighted vertex normals and the face normals [V + F, 3]."""
    faces, vertices, normals = buffers.faces, buffers.vertices, buffers.normals
    count = len(vertices)
    normals[:count] = 0.0
    for face in range(len(faces)):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        row = count + face
        for axis in range(3):
            after, last = (axis + 1) % 3, (axis + 2) % 3
            normals[row, axis] = (vertices[b, after] - vertices[a, after]) * (
                vertices[c, last] - vertices[a, last]
            ) - (vertices[b, last] - vertices[a, last]) * (vertices[c, after] - vertices[a, after])
            normals[a, axis] += normals[row, axis]
            normals[b, axis] += normals[row, axis]
            normals[c, axis] += normals[row, axis]
    for row in range(len(normals)):
        size = 1e-12
        for axis in range(3):
            size += normals[row, axis] * normals[row, axis]
        size = np.sqrt(size)
        for axis in range(3):
            normals[row, axis] /= size


@kernel
def _weight_planes(x: np.ndarray, y: np.ndarray, planes: np.ndarray) -> bool:
    """Write the corners' weight planes [3, 3]; False for a face turned away."""
    # Rows run downwards, so a face turned to the camera runs clockwise in (x, y).
    area = (x[2] - x[0]) * (y[1] - y[0]) - (x[1] - x[0]) * (y[2] - y[0])
    if area <= 1e-9:
        return False
    for corner in range(3):
        after, last = (corner + 1) % 3, (corner + 2) % 3
        planes[corner, 0] = (y[after] - y[last]) / -area
        planes[corner, 1] = (x[last] - x[after]) / -area
        planes[corner, 2] = -(planes[corner, 0] * x[after] + planes[corner, 1] * y[after])
    return True


@kernel
def find_visible(buffers: Studio, offset_x: float, offset_y: float) -> None:
    """Fill `planes`, `closest` and `seen`; ties go to the lowest face index."""
    faces, image = buffers.faces, buffers.image
    closest, seen = buffers.closest, buffers.seen
    side = len(seen)
    closest[:] = 0.0
    seen[:] = -1
    x, y = buffers.work[0], buffers.work[1]
    for face in range(len(faces)):
        for corner in range(3):
            vertex = faces[face, corner]
            x[corner] = 0.5 * (side * (image[vertex, 0] + offset_x + 1.0) - 1.0)
            y[corner] = 0.5 * (side * (1.0 - image[vertex, 1] - offset_y) - 1.0)
        plane = buffers.planes[face]
        if not _weight_planes(x, y, plane):
            continue
        near = image[faces[face, 0], 2]
        second_step = image[faces[face, 1], 2] - near
        third_step = image[faces[face, 2], 2] - near
        left = max(0, int(np.ceil(min(x[0], x[1], x[2]))))
        right = min(side - 1, int(np.floor(max(x[0], x[1], x[2]))))
        for row in range(
            max(0, int(np.ceil(min(y[0], y[1], y[2])))),
            min(side - 1, int(np.floor(max(y[0], y[1], y[2])))) + 1,
        ):
            for column in range(left, right + 1):
                second = plane[1, 0] * column + plane[1, 1] * row + plane[1, 2]
                third = plane[2, 0] * column + plane[2, 1] * row + plane[2, 2]
                # The tolerance closes hairline gaps between faces that share an edge.
                if second < -1e-9 or third < -1e-9 or second + third > 1.0 + 1e-9:
                    continue
                depth = near + second * second_step + third * third_step
                if depth > closest[row, column]:
                    closest[row, column] = depth
                    seen[row, column] = face


@inlined
def find_point(buffers: Studio, column: int, row: int, flatness: float) -> None:
    """Write the position and unit normal of what sample (column, row) sees into `work`.

    flatness: share of the face's own normal beside the smooth one; 0 smooth.
    """
    face: int = buffers.seen[row, column]
    position, normal = buffers.work[POSITION], buffers.work[NORMAL]
    flat = len(buffers.vertices) + face
    for axis in range(3):
        position[axis] = 0.0
        normal[axis] = flatness * buffers.normals[flat, axis]
    planes, depth = buffers.planes, 1.0 / buffers.closest[row, column]
    for corner in range(3):
        vertex = buffers.faces[face, corner]
        weight = planes[face, corner, 0] * column + planes[face, corner, 1] * row
        weight += planes[face, corner, 2]
        weight *= buffers.image[vertex, 2] * depth  # perspective-exact
        for axis in range(3):
            position[axis] += weight * buffers.vertices[vertex, axis]
            normal[axis] += weight * buffers.normals[vertex, axis]
    size = 1e-12
    for axis in range(3):
        size += normal[axis] * normal[axis]
    size = 1.0 / np.sqrt(size)
    for axis in range(3):
        normal[axis] *= size
