"""Boxes on a road vehicle: cargo, mirrors, windscreen and seats of an open car, spoiler, roof load.

Those that a vehicle lacks are shrunk to a point inside it, so that every mesh has the same faces.
"""

import numpy as np

from train.data.road_vehicles.kinds import LADDER, LIGHT_BAR, LORRY, NO_LOAD, SIGN, SUPERCAR
from train.data.road_vehicles.outline import width_at
from train.data.vehicles.counter import kernel

BOXES = 8
CARGO, LEFT_MIRROR, RIGHT_MIRROR, SCREEN, LEFT_SEAT, RIGHT_SEAT, SPOILER, ROOF_LOAD = range(BOXES)
CORNERS = 8

BOX_FACES = [
    (0, 3, 1), (0, 2, 3), (4, 7, 6), (4, 5, 7), (0, 5, 4), (0, 1, 5),
    (2, 7, 3), (2, 6, 7), (0, 6, 2), (0, 4, 6), (1, 7, 5), (1, 3, 7),
]  # fmt: skip
"""Faces of one box; bits of a corner's number: 1 at greater x, 2 y, 4 z."""

_NOTHING = 1e-6  # half the side of a box that is not there


@kernel
def _write_box(corners: np.ndarray, middle: tuple, half: tuple, lean: float) -> None:
    """Write corners [8, 3] of a box whose top is moved by `lean` along z and narrowed a little."""
    for corner in range(CORNERS):
        x = half[0] * (1.0 if corner & 1 else -1.0)
        y = half[1] * (1.0 if corner & 2 else -1.0)
        z = half[2] * (1.0 if corner & 4 else -1.0)
        if corner & 2:
            x *= 0.96
            z = 0.9 * z + lean
        corners[corner] = middle[0] + x, middle[1] + y, middle[2] + z


@kernel
def _write_cargo(vehicle: np.record, corners: np.ndarray) -> None:
    half = 0.5 * vehicle.length
    length, floor = 0.5 * (vehicle.cargo_front + half), vehicle.ride + 0.10 * vehicle.height
    tall = 0.5 * (vehicle.cargo_height - floor)
    size = (vehicle.cargo_width, tall, length)
    _write_box(corners, (0.0, floor + tall, length - half), size, 0.0)


@kernel
def _write_mirrors(vehicle: np.record, table: np.ndarray, corners: np.ndarray) -> None:
    y, z = vehicle.belt + 0.025, vehicle.screen_z - 0.05
    x = width_at(table, z) * 0.99 + 0.02
    tall = vehicle.mirror * (2.2 if vehicle.kind >= LORRY else 0.75)
    size = (0.9 * vehicle.mirror, tall, 0.6 * vehicle.mirror)
    _write_box(corners[LEFT_MIRROR], (x, y, z), size, 0.0)
    _write_box(corners[RIGHT_MIRROR], (-x, y, z), size, 0.0)


@kernel
def _write_screen(vehicle: np.record, corners: np.ndarray) -> None:
    tall = 0.5 * vehicle.screen_height
    middle = (0.0, vehicle.belt + tall, vehicle.screen_z - 0.02)
    _write_box(corners, middle, (0.74 * vehicle.half_width, tall, 0.008), -0.9 * tall)


@kernel
def _write_seats(vehicle: np.record, corners: np.ndarray) -> None:
    floor = vehicle.belt - vehicle.cavity_depth
    tall = 0.5 * (vehicle.cavity_depth + 0.45 * vehicle.screen_height)
    z = vehicle.cavity_rear + 0.30 * (vehicle.cavity_front - vehicle.cavity_rear)
    size = (0.25 * vehicle.half_width, tall, 0.035)
    for seat in range(2):
        x = (0.40 if seat == 0 else -0.40) * vehicle.half_width
        _write_box(corners[LEFT_SEAT + seat], (x, floor + tall, z), size, -0.05)


@kernel
def _write_spoiler(vehicle: np.record, corners: np.ndarray) -> None:
    depth = 0.06 if vehicle.kind == SUPERCAR else 0.04
    middle = (0.0, vehicle.deck + vehicle.spoiler, 0.08 - 0.5 * vehicle.length)
    _write_box(corners, middle, (0.78 * vehicle.half_width, 0.008, depth), 0.0)


@kernel
def _write_roof_load(vehicle: np.record, corners: np.ndarray) -> None:
    wide, roof = vehicle.half_width, vehicle.screen_top_z - vehicle.rear_top_z
    size = (0.55 * wide, 0.02, 0.30 * roof)
    if vehicle.roof_load == LIGHT_BAR:
        size = (0.5 * wide, 0.022, 0.035)
    elif vehicle.roof_load == SIGN:
        size = (0.16 * wide, 0.03, 0.03)
    elif vehicle.roof_load == LADDER:
        size = (0.22 * wide, 0.015, 0.5 * roof)
    middle = 0.5 * (vehicle.screen_top_z + vehicle.rear_top_z)
    _write_box(corners, (0.0, vehicle.height + size[1] - 0.006, middle), size, 0.0)


@kernel
def write_boxes(vehicle: np.record, table: np.ndarray, corners: np.ndarray) -> None:
    """Write corners [BOXES, 8, 3] in the vehicle's own frame; table: the hull's lines."""
    for box in range(BOXES):
        inside = (0.0, 0.5 * (vehicle.ride + vehicle.belt), 0.0)
        _write_box(corners[box], inside, (_NOTHING, _NOTHING, _NOTHING), 0.0)
    if vehicle.cargo_height > 0.0:
        _write_cargo(vehicle, corners[CARGO])
    if vehicle.mirror > 0.0:
        _write_mirrors(vehicle, table, corners)
    if vehicle.screen_height > 0.0:
        _write_screen(vehicle, corners[SCREEN])
    if vehicle.seats > 0:
        _write_seats(vehicle, corners)
    if vehicle.spoiler > 0.0:
        _write_spoiler(vehicle, corners[SPOILER])
    if vehicle.roof_load < NO_LOAD and vehicle.screen_height == 0.0:
        _write_roof_load(vehicle, corners[ROOF_LOAD])
