"""The mesh of a road vehicle: closed parts of fixed topology, so that only vertices differ.

Hull: one smooth shell lofted along z, bonnet, cabin and tail in one. Four wheels. Boxes: cargo,
mirrors, windscreen and seats of an open car, spoiler, what stands on the roof; those that a vehicle
lacks are shrunk to a point. Parts overlap; the solid is their union.
"""

import numpy as np

from train.data.road_vehicles.outline import CLOSING, END, STATIONS, lines
from train.data.road_vehicles.vehicle import LORRY, SUPERCAR
from train.data.vehicles.counter import kernel
from train.data.vehicles.shape import _cap, _flip, _loft

RING, HALF_RING = (
    28,
    15,
)  # 0 below and 14 above on the mirror plane, 1..13 at x > 0, the rest mirrored
SPOKES, RIMS = 16, 3
CARGO, LEFT_MIRROR, RIGHT_MIRROR, SCREEN, LEFT_SEAT, RIGHT_SEAT, SPOILER, ROOF_LOAD = range(8)
BOXES = 8
HULL, WHEEL, BOX = 0, 1, 2  # parts; boxes are BOX + their number
WHEEL_START = STATIONS * RING
BOX_START = WHEEL_START + 4 * RIMS * SPOKES
VERTICES = BOX_START + BOXES * 8
_BOX_FACES = [
    (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
    (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
]  # fmt: skip


def _topology() -> tuple[np.ndarray, np.ndarray]:
    """Faces int32 [F, 3], outward counter-clockwise, and the part of each face int32 [F]."""
    hull = _loft(STATIONS, RING, 0) + _cap(RING, 0)
    hull += _flip(_cap(RING, (STATIONS - 1) * RING))
    wheels = []
    for wheel in range(4):
        start = WHEEL_START + wheel * RIMS * SPOKES
        one = _loft(RIMS, SPOKES, start) + _cap(SPOKES, start)
        one += _flip(_cap(SPOKES, start + (RIMS - 1) * SPOKES))
        wheels += one if wheel < 2 else _flip(one)
    faces, parts = hull + wheels, [HULL] * len(hull) + [WHEEL] * len(wheels)
    for box in range(BOXES):
        start = BOX_START + 8 * box
        faces += [(start + a, start + c, start + b) for a, b, c in _BOX_FACES]
        parts += [BOX + box] * len(_BOX_FACES)
    return np.array(faces, np.int32), np.array(parts, np.int32)


FACES, FACE_PARTS = _topology()

_SIDE_X = np.array([0.0, 0.80, 0.95, 1.0, 1.0, 1.0, 1.0, 0.93])
_SIDE_Y = np.array([0.0, 0.0, 0.06, 0.28, 0.52, 0.75, 0.92, 1.0])
_SIDE_BARREL = np.array([0.0, 0.5, 1.0, 0.30, 0.0, 0.25, 0.8, 1.0])
_HOOD_X = np.array([0.93, 0.80, 0.65, 0.50, 0.35, 0.18, 0.0])
_GLASS_Y = np.array([0.03, 0.38, 0.72, 0.90, 0.97, 0.995, 1.0])


@kernel
def _write(vertices: np.ndarray, station: int, point: int, x: float, y: float, z: float) -> None:
    """Write a ring's point and its mirror image."""
    start = station * RING
    vertices[start + point] = x, y, z
    if 0 < point < HALF_RING - 1:
        vertices[start + RING - point] = -x, y, z


@kernel
def _shape_ring(v: np.record, line: np.ndarray, vertices: np.ndarray, station: int) -> None:
    z, bottom, shoulder, glass, width, cabin = line[0], line[1], line[2], line[3], line[4], line[5]
    for point in range(8):
        x = width * (_SIDE_X[point] - v.barrel * _SIDE_BARREL[point])
        if point == 0:
            x = 0.0
        _write(vertices, station, point, x, bottom + _SIDE_Y[point] * (shoulder - bottom), z)
    edge = width * (_SIDE_X[7] - v.barrel)
    share = np.sqrt(cabin)
    roof = min(v.roof_width * width / v.half_width, 0.94 * edge)
    open_ = v.cavity_depth > 0.0 and v.cavity_rear < z < v.cavity_front
    for point in range(7):
        hood, up = _HOOD_X[point] * edge, _GLASS_Y[point]
        if point < 4:
            side = 0.95 * edge + (roof - 0.95 * edge) * up**1.2
        else:
            side = roof * (0.86 if point == 4 else (0.5 if point == 5 else 0.0))
        x = hood + share * (side - hood)
        y = shoulder + v.crown * (1.0 - (x / max(edge, 1e-6)) ** 2) * (1.0 - cabin) + glass * up
        if open_:
            x = edge * (0.92 if point == 0 else _HOOD_X[point] * 1.08)
            y = shoulder - (0.0 if point == 0 else v.cavity_depth)
        _write(vertices, station, point + 8, x, y, z)


@kernel
def _shape_wheels(v: np.record, table: np.ndarray, vertices: np.ndarray) -> None:
    for wheel in range(4):
        side = 1.0 if wheel < 2 else -1.0
        axle = v.front_axle if wheel % 2 == 0 else v.rear_axle
        outer = 1.005 * width_at(table, axle)
        start = WHEEL_START + wheel * RIMS * SPOKES
        for rim in range(RIMS):
            radius = v.wheel_radius * (0.94 if rim == 0 else 1.0)
            inward = 0.0 if rim == 0 else (0.018 if rim == 1 else v.wheel_width)
            for point in range(SPOKES):
                angle = 2.0 * np.pi * point / SPOKES
                y = v.wheel_radius + radius * np.cos(angle)
                vertices[start + rim * SPOKES + point] = (
                    side * (outer - inward),
                    y,
                    axle + radius * np.sin(angle),
                )


@kernel
def width_at(table: np.ndarray, z: float) -> float:
    """Half width of the hull at z, from its `lines`."""
    low = STATIONS - 1
    for station in range(1, STATIONS):
        if table[station, 0] <= z:
            low = station
            break
    share = (z - table[low, 0]) / max(table[low - 1, 0] - table[low, 0], 1e-9)
    return table[low, 4] + min(max(share, 0.0), 1.0) * (table[low - 1, 4] - table[low, 4])


@kernel
def _write_box(vertices: np.ndarray, box: int, middle: tuple, half: tuple, lean: float) -> None:
    """A box whose top is moved by `lean` along z and narrowed a little."""
    start = BOX_START + 8 * box
    for corner in range(8):
        x = half[0] * (1.0 if corner & 1 else -1.0)
        y = half[1] * (1.0 if corner & 2 else -1.0)
        z = half[2] * (1.0 if corner & 4 else -1.0)
        if corner & 2:
            x *= 0.96
            z = 0.9 * z + lean
        vertices[start + corner] = middle[0] + x, middle[1] + y, middle[2] + z


@kernel
def _shape_boxes(v: np.record, table: np.ndarray, vertices: np.ndarray) -> None:
    half, nothing = 0.5 * v.length, (1e-6, 1e-6, 1e-6)
    inside = (0.0, 0.5 * (v.ride + v.belt), 0.0)
    for box in range(BOXES):
        _write_box(vertices, box, inside, nothing, 0.0)
    if v.cargo_height > 0.0:
        length, floor = 0.5 * (v.cargo_front + half), v.ride + 0.10 * v.height
        tall = 0.5 * (v.cargo_height - floor)
        size = (v.cargo_width, tall, length)
        _write_box(vertices, CARGO, (0.0, floor + tall, length - half), size, 0.0)
    if v.mirror > 0.0:
        z = v.screen_z - 0.05
        x = width_at(table, z) * 0.99 + 0.02
        size = (0.9 * v.mirror, v.mirror * (2.2 if v.kind >= LORRY else 0.75), 0.6 * v.mirror)
        _write_box(vertices, LEFT_MIRROR, (x, v.belt + 0.025, z), size, 0.0)
        _write_box(vertices, RIGHT_MIRROR, (-x, v.belt + 0.025, z), size, 0.0)
    if v.screen_height > 0.0:
        tall = 0.5 * v.screen_height
        size = (0.74 * v.half_width, tall, 0.008)
        _write_box(vertices, SCREEN, (0.0, v.belt + tall, v.screen_z - 0.02), size, -0.9 * tall)
    if v.seats > 0:
        floor = v.belt - v.cavity_depth
        tall = 0.5 * (v.cavity_depth + 0.45 * v.screen_height)
        z = v.cavity_rear + 0.30 * (v.cavity_front - v.cavity_rear)
        for seat in range(2):
            x = (0.40 if seat == 0 else -0.40) * v.half_width
            size = (0.25 * v.half_width, tall, 0.035)
            _write_box(vertices, LEFT_SEAT + seat, (x, floor + tall, z), size, -0.05)
    _shape_attachments(v, vertices)


@kernel
def _shape_attachments(v: np.record, vertices: np.ndarray) -> None:
    half = 0.5 * v.length
    if v.spoiler > 0.0:
        tall = 0.5 * v.spoiler
        depth = 0.06 if v.kind == SUPERCAR else 0.04
        size = (0.78 * v.half_width, 0.008, depth)
        _write_box(vertices, SPOILER, (0.0, v.deck + 2.0 * tall, 0.08 - half), size, 0.0)
    if v.roof_load < 4 and v.screen_height == 0.0:
        middle = 0.5 * (v.screen_top_z + v.rear_top_z)
        size = (0.55 * v.half_width, 0.02, 0.30 * (v.screen_top_z - v.rear_top_z))
        if v.roof_load == 1:
            size = (0.5 * v.half_width, 0.022, 0.035)
        elif v.roof_load == 2:
            size = (0.16 * v.half_width, 0.03, 0.03)
        elif v.roof_load == 3:
            size = (0.22 * v.half_width, 0.015, 0.5 * (v.screen_top_z - v.rear_top_z))
        _write_box(vertices, ROOF_LOAD, (0.0, v.height + size[1] - 0.006, middle), size, 0.0)


@kernel
def shape(v: np.record, table: np.ndarray, vertices: np.ndarray) -> float:
    """Write `lines` into table [STATIONS, LINES] and the vertices [VERTICES, 3].

    The canonical frame: the middle of the box is the origin. Returns the height that y = 0 of the
    vehicle's own frame has been lowered by.
    """
    lines(v, table)
    for station in range(STATIONS):
        _shape_ring(v, table[station], vertices, station)
    _shape_wheels(v, table, vertices)
    _shape_boxes(v, table, vertices)
    down = 0.5 * vertices[:, 1].max()
    vertices[:, 1] -= down
    return down
