"""The mesh of a road vehicle: closed parts of fixed topology, so that only vertices differ.

Hull: one smooth shell lofted along z, bonnet, cabin and tail in one. Four wheels: short cylinders
with a bevelled outer edge. Boxes: see there. Parts overlap; the solid is their union.
"""

import numpy as np

from train.data.road_vehicles.boxes import BOX_FACES, BOXES, CORNERS, write_boxes
from train.data.road_vehicles.outline import (
    BOTTOM,
    CABIN,
    CABIN_SHARE,
    SHOULDER,
    STATIONS,
    WIDTH,
    Z,
    cabin_half_width,
    draw_lines,
    roof_edge,
    shoulder_edge,
    width_at,
)
from train.data.vehicles.counter import kernel
from train.data.vehicles.topology import closed_loft, flip

# Points of a ring of the hull: 0 below and 14 above on the mirror plane, 1..13 at x > 0, the rest
# their mirror images.
RING, _TOP = 28, 14
SPOKES, RIMS = 16, 3
HULL, WHEEL, BOX = 0, 1, 2  # parts; boxes are BOX + their number
WHEEL_START = STATIONS * RING
BOX_START = WHEEL_START + 4 * RIMS * SPOKES
VERTICES = BOX_START + BOXES * CORNERS


def _topology() -> tuple[np.ndarray, np.ndarray]:
    """Faces int32 [F, 3], outward counter-clockwise, and the part of each face int32 [F]."""
    faces = closed_loft(STATIONS, RING, 0)
    parts = [HULL] * len(faces)
    for wheel in range(4):
        one = closed_loft(RIMS, SPOKES, WHEEL_START + wheel * RIMS * SPOKES)
        faces += one if wheel < 2 else flip(one)
        parts += [WHEEL] * len(one)
    for box in range(BOXES):
        start = BOX_START + CORNERS * box
        faces += [(start + a, start + b, start + c) for a, b, c in BOX_FACES]
        parts += [BOX + box] * len(BOX_FACES)
    return np.array(faces, np.int32), np.array(parts, np.int32)


FACES, FACE_PARTS = _topology()

# The flank's points, from below to the shoulder: shares of the half width, of the height, and how
# much the barrel draws each in.
_SIDE_X = np.array([0.0, 0.80, 0.95, 1.0, 1.0, 1.0, 1.0, 0.93])
_SIDE_Y = np.array([0.0, 0.0, 0.06, 0.28, 0.52, 0.75, 0.92, 1.0])
_SIDE_BARREL = np.array([0.0, 0.5, 1.0, 0.30, 0.0, 0.25, 0.8, 1.0])
_SIDE = len(_SIDE_X)
# The points above it: shares of the shoulder's half width where there is no cabin, and of the
# cabin's height where there is. The first four are its side, the others its roof.
_HOOD_X = np.array([0.93, 0.80, 0.65, 0.50, 0.35, 0.18, 0.0])
_GLASS_Y = np.array([0.03, 0.38, 0.72, 0.90, 0.97, 0.995, 1.0])
_ROOF_X = np.array([0.0, 0.0, 0.0, 0.0, 0.86, 0.5, 0.0])


@kernel
def _write(ring: np.ndarray, point: int, x: float, y: float, z: float) -> None:
    """Write a ring's point and its mirror image."""
    ring[point] = x, y, z
    if 0 < point < _TOP:
        ring[RING - point] = -x, y, z


@kernel
def _shape_flank(vehicle: np.record, line: np.ndarray, ring: np.ndarray) -> None:
    tall = line[SHOULDER] - line[BOTTOM]
    for point in range(_SIDE):
        x = line[WIDTH] * (_SIDE_X[point] - vehicle.barrel * _SIDE_BARREL[point])
        _write(ring, point, x, line[BOTTOM] + _SIDE_Y[point] * tall, line[Z])


@kernel
def _shape_cavity(vehicle: np.record, line: np.ndarray, ring: np.ndarray) -> None:
    """The rail and the floor of an open cockpit or bed."""
    edge = shoulder_edge(vehicle, line[WIDTH])
    _write(ring, _SIDE, edge * 0.92, line[SHOULDER], line[Z])
    for point in range(1, len(_HOOD_X)):
        y = line[SHOULDER] - vehicle.cavity_depth
        _write(ring, _SIDE + point, edge * (_HOOD_X[point] * 1.08), y, line[Z])


@kernel
def _shape_top(vehicle: np.record, line: np.ndarray, ring: np.ndarray) -> None:
    """Bonnet, cabin or deck: from one to the other as the cabin rises."""
    edge = shoulder_edge(vehicle, line[WIDTH])
    roof = roof_edge(vehicle, line[WIDTH], edge)
    cabin, share = line[CABIN_SHARE], np.sqrt(line[CABIN_SHARE])
    for point in range(len(_HOOD_X)):
        hood, up = _HOOD_X[point] * edge, _GLASS_Y[point]
        side = cabin_half_width(edge, roof, up) if point < 4 else roof * _ROOF_X[point]
        x = hood + share * (side - hood)
        crown = vehicle.crown * (1.0 - (x / max(edge, 1e-6)) ** 2) * (1.0 - cabin)
        _write(ring, _SIDE + point, x, line[SHOULDER] + crown + line[CABIN] * up, line[Z])


@kernel
def _shape_wheels(vehicle: np.record, table: np.ndarray, vertices: np.ndarray) -> None:
    for wheel in range(4):
        side = 1.0 if wheel < 2 else -1.0
        axle = vehicle.front_axle if wheel % 2 == 0 else vehicle.rear_axle
        outer = 1.005 * width_at(table, axle)
        start = WHEEL_START + wheel * RIMS * SPOKES
        for rim in range(RIMS):
            radius = vehicle.wheel_radius * (0.94 if rim == 0 else 1.0)
            inward = 0.0 if rim == 0 else (0.018 if rim == 1 else vehicle.wheel_width)
            for point in range(SPOKES):
                angle = 2.0 * np.pi * point / SPOKES
                vertex = start + rim * SPOKES + point
                y = vehicle.wheel_radius + radius * np.cos(angle)
                vertices[vertex] = side * (outer - inward), y, axle + radius * np.sin(angle)


@kernel
def shape(vehicle: np.record, table: np.ndarray, vertices: np.ndarray) -> float:
    """Write the hull's lines into table [STATIONS, LINES] and the vertices [VERTICES, 3].

    The vertices are in the canonical frame, the middle of the bounding box its origin. Returns how
    high that is above the road; the lines are in the vehicle's own frame, road at y = 0.
    """
    draw_lines(vehicle, table)
    for station in range(STATIONS):
        line, ring = table[station], vertices[station * RING : (station + 1) * RING]
        _shape_flank(vehicle, line, ring)
        if vehicle.cavity_depth > 0.0 and vehicle.cavity_rear < line[Z] < vehicle.cavity_front:
            _shape_cavity(vehicle, line, ring)
        else:
            _shape_top(vehicle, line, ring)
    _shape_wheels(vehicle, table, vertices)
    write_boxes(vehicle, table, vertices[BOX_START:].reshape(BOXES, CORNERS, 3))
    middle = 0.5 * vertices[:, 1].max()
    vertices[:, 1] -= middle
    return middle
