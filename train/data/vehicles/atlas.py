"""The texture atlas of a vehicle: where each face lies in it, and the material baked into it."""

import numpy as np

from train.data.vehicles import material, shape
from train.data.vehicles.counter import kernel
from train.data.vehicles.shape import FACE_PARTS, FACES, LEVELS, RING, SPOKES, STATIONS

SIDE = 512  # rows and columns of the atlas

_GUTTER = 1.5  # texels painted around each face, so that bilinear sampling finds no foreign colour

# Charts as texels (left, top, width, height), gutters between them.
_BODY_CHART = (2, 2, 508, 252)
_CABIN_CHART = (2, 258, 508, 124)
_BODY_CAPS = ((130, 386, 124, 60), (130, 450, 124, 60))
_CABIN_CAPS = ((258, 482, 124, 28), (2, 386, 124, 124))
_HUBS = tuple((258 + 62 * wheel, 386, 58, 58) for wheel in range(4))
_BACKS = tuple((258 + 32 * wheel, 450, 28, 28) for wheel in range(4))
_TREADS = tuple((388, 450 + 15 * wheel, 120, 11) for wheel in range(4))
# Around the cabin, chart width goes where the length is: windscreen, sides, rear window.
_CABIN_AROUND = np.array([0, 3, 4, 5, 9, 13, 14, 15, 18, 21, 22, 23, 27, 31, 32, 33, 36]) / 36


def _mirrored(values: np.ndarray, sign: float) -> np.ndarray:
    """A ring's 16 values from the 9 of its right half."""
    return np.concatenate([values, sign * values[-2:0:-1]])


def _in_chart(chart: tuple[int, int, int, int], across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Texel positions [..., 2] in a chart from fractions 0..1."""
    left, top, width, height = chart
    return np.stack([left + width * across, top + height * down], axis=-1)


def _loft_corners(
    faces: np.ndarray, start: int, around: np.ndarray, chart: tuple[int, int, int, int], rows: int
) -> np.ndarray:
    """Corners [F, 3, 2] of a loft's faces; `around` [count + 1] places the ring across."""
    count = len(around) - 1
    row, point = (faces - start) // count, (faces - start) % count
    closing = (point == 0) & (point == count - 1).any(axis=1, keepdims=True)
    return _in_chart(chart, around[np.where(closing, count, point)], row / (rows - 1))


def _part_corners() -> list[np.ndarray]:
    """Corners of each part, in the order in which `shape` lists the faces."""
    faces_per_cap = RING - 2
    body, cabin = FACES[FACE_PARTS == shape.BODY], FACES[FACE_PARTS == shape.CABIN]
    wheels = FACES[FACE_PARTS == shape.WHEEL].reshape(4, -1, 3)
    circle = 2 * np.pi * np.arange(SPOKES) / SPOKES
    lofted = len(body) - 2 * faces_per_cap
    ring = np.arange(RING + 1) / RING
    # Long way across: stations; the ring goes down the chart.
    left, top, width, height = _BODY_CHART
    corners = [
        _loft_corners(body[:lofted], 0, ring, (top, left, height, width), STATIONS)[..., ::-1]
    ]
    ends = (
        0.5 + 0.5 * _mirrored(shape.BODY_PROFILE_X, -1.0),
        1.0 - _mirrored(shape.BODY_PROFILE_Y, 1.0),
    )
    for chart, faces in zip(_BODY_CAPS, np.split(body[lofted:], 2), strict=True):
        corners.append(_in_chart(chart, ends[0][faces % RING], ends[1][faces % RING]))
    lofted = len(cabin) - 2 * faces_per_cap
    start = shape.CABIN_START
    corners.append(_loft_corners(cabin[:lofted], start, _CABIN_AROUND, _CABIN_CHART, LEVELS))
    lid = 0.5 + 0.5 * _mirrored(shape.CABIN_PROFILE_X, -1.0), _mirrored(np.arange(9) / 8, 1.0)
    for chart, faces in zip(_CABIN_CAPS, np.split(cabin[lofted:], 2), strict=True):
        corners.append(_in_chart(chart, lid[0][faces % RING], lid[1][faces % RING]))
    around = np.arange(SPOKES + 1) / SPOKES
    disc = 0.5 + 0.5 * np.sin(circle), 0.5 - 0.5 * np.cos(circle)
    for wheel, faces in enumerate(wheels):
        start = shape.WHEEL_START + wheel * 2 * SPOKES
        local = (faces - start) % SPOKES
        corners.append(_loft_corners(faces[: 2 * SPOKES], start, around, _TREADS[wheel], 2))
        for chart, cap in ((_HUBS[wheel], 0), (_BACKS[wheel], 1)):
            first = 2 * SPOKES + cap * (SPOKES - 2)
            points = local[first : first + SPOKES - 2]
            corners.append(_in_chart(chart, disc[0][points], disc[1][points]))
    return corners


CORNERS = np.concatenate(_part_corners())
"""[F, 3, 2] position of each face's corners in the atlas, texels right of and below its corner."""

UVS = np.stack([CORNERS[..., 0] / SIDE, 1.0 - CORNERS[..., 1] / SIDE], axis=-1).astype(np.float32)
"""[F, 3, 2] uv of each face's corners: v = 1 is the top row."""


@kernel
def _paint_face(
    vehicle: np.record, vertices: np.ndarray, corners: np.ndarray, texture: np.ndarray, face: int,
    gutter: float,
) -> None:  # fmt: skip
    """Paint the texels of one face and up to `gutter` texels around it."""
    x, y = corners[face, :, 0], corners[face, :, 1]
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    position, colour = np.empty(3), np.empty(4)
    weights, slack = np.empty(3), np.empty(3)
    for corner in range(3):
        after, last = (corner + 1) % 3, (corner + 2) % 3
        slack[corner] = gutter * np.hypot(x[last] - x[after], y[last] - y[after]) / abs(area)
    for row in range(int(y.min() - gutter), int(y.max() + gutter) + 1):
        for column in range(int(x.min() - gutter), int(x.max() + gutter) + 1):
            inside = True
            for corner in range(3):
                after, last = (corner + 1) % 3, (corner + 2) % 3
                right, below = column + 0.5 - x[after], row + 0.5 - y[after]
                cross = (x[last] - x[after]) * below - right * (y[last] - y[after])
                weights[corner] = cross / area
                inside = inside and weights[corner] >= -slack[corner] - 1e-9
            if not inside:
                continue
            position[:] = 0.0
            for corner in range(3):
                vertex = FACES[face, corner]
                for axis in range(3):
                    position[axis] += weights[corner] * vertices[vertex, axis]
            position[1] += 0.5 * vehicle.height
            material.surface(vehicle, FACE_PARTS[face], position, colour)
            for channel in range(3):
                texture[row, column, channel] = np.uint8(255.0 * min(1.0, colour[channel]) + 0.5)


@kernel
def bake(
    vehicle: np.record, vertices: np.ndarray, corners: np.ndarray, texture: np.ndarray
) -> None:
    """Write the vehicle's vertices [V, 3], and its material into texture [SIDE, SIDE, 3] uint8."""
    shape.shape(vehicle, vertices)
    texture[:] = 128
    # Gutters first, so that no gutter covers a neighbour's own texels.
    for gutter in (_GUTTER, 0.0):
        for face in range(len(corners)):
            _paint_face(vehicle, vertices, corners, texture, face, gutter)
