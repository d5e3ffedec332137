"""The vehicle's mesh: six closed parts of fixed topology, so that only vertices differ.

Body: a shell lofted along z (stations front to rear). Cabin: a shell lofted upwards, narrower
towards the roof. Four wheels: short cylinders. Parts overlap; the solid is their union.
"""

import numpy as np

from train.data.vehicles.counter import kernel
from train.data.vehicles.topology import cap, closed_loft, flip, loft
from train.data.vehicles.vehicle import PICKUP, VAN

RING = 16  # points of a ring: 0 on the mirror plane, 1..7 at x > 0, 8 on the plane, 9..15 at x < 0
STATIONS, LEVELS, SPOKES = 13, 5, 12
BODY, CABIN, WHEEL = 0, 1, 2
CABIN_START = STATIONS * RING
WHEEL_START = CABIN_START + LEVELS * RING
VERTICES = WHEEL_START + 4 * 2 * SPOKES


def _topology() -> tuple[np.ndarray, np.ndarray]:
    """Faces int32 [F, 3], outward counter-clockwise, and the part of each face int32 [F]."""
    body = closed_loft(STATIONS, RING, 0)
    # The cabin's rings turn counter-clockwise seen from its last (upper) row.
    cabin = flip(loft(LEVELS, RING, CABIN_START)) + flip(cap(RING, CABIN_START))
    cabin += cap(RING, CABIN_START + (LEVELS - 1) * RING)
    wheels = []
    for wheel in range(4):
        start = WHEEL_START + wheel * 2 * SPOKES
        one = closed_loft(2, SPOKES, start)
        wheels += one if wheel < 2 else flip(one)
    parts = [BODY] * len(body) + [CABIN] * len(cabin) + [WHEEL] * len(wheels)
    return np.array(body + cabin + wheels, np.int32), np.array(parts, np.int32)


FACES, FACE_PARTS = _topology()

BODY_PROFILE_X = np.array([0.0, 0.84, 0.97, 1.0, 0.975, 0.91, 0.83, 0.45, 0.0])
BODY_PROFILE_Y = np.array([0.0, 0.0, 0.16, 0.50, 0.82, 0.97, 1.0, 1.0, 1.0])
# Front and rear ends: depth behind the end, share of width, of the top and of the bottom there.
_END_DEPTH = np.array([0.0, 0.022, 0.075])
_END_WIDTH = np.array([0.80, 0.91, 0.97])
_END_TOP = np.array([0.78, 0.93, 1.0])
_END_BOTTOM = np.array([0.16, 0.05, 0.0])


@kernel
def top_height(vehicle: np.record, z: float) -> float:
    """Height of the body's upper edge at z: bonnet, belt, boot or rail of the bed."""
    half = 0.5 * vehicle.length
    if z >= vehicle.cowl_z:
        share = (half - z) / max(half - vehicle.cowl_z, 1e-6)
        return vehicle.nose + (vehicle.cowl - vehicle.nose) * np.sqrt(max(share, 0.0))
    if z >= vehicle.rear_z:
        return vehicle.belt
    return vehicle.deck


@kernel
def cabin_front(vehicle: np.record, y: float) -> float:
    """z of the windscreen's middle line at height y."""
    share = (y - vehicle.belt) / (vehicle.height - vehicle.belt)
    bulge = 0.10 * share * (1.0 - share) * (vehicle.screen_z - vehicle.screen_top_z)
    return vehicle.screen_z + share * (vehicle.screen_top_z - vehicle.screen_z) + bulge


@kernel
def cabin_rear(vehicle: np.record, y: float) -> float:
    """z of the rear window's middle line at height y."""
    share = (y - vehicle.belt) / (vehicle.height - vehicle.belt)
    bulge = 0.35 * share * (1.0 - share) * (vehicle.rear_top_z - vehicle.rear_z)
    return vehicle.rear_z + share * (vehicle.rear_top_z - vehicle.rear_z) - bulge


@kernel
def cabin_width(vehicle: np.record, y: float) -> float:
    """Half width of the cabin at height y (tumblehome: narrower towards the roof)."""
    share = max(0.0, (y - vehicle.belt) / (vehicle.height - vehicle.belt))
    return vehicle.base_width + share * share * (3.0 - 2.0 * share) * (
        vehicle.roof_width - vehicle.base_width
    )


@kernel
def _station_depths(vehicle: np.record) -> np.ndarray:
    """z of each station, front to rear: three per end, seven between."""
    half = 0.5 * vehicle.length
    stations = np.empty(STATIONS)
    for end in range(3):
        stations[end] = half - _END_DEPTH[end]
        stations[STATIONS - 1 - end] = _END_DEPTH[end] - half
    front, rear = stations[2], stations[STATIONS - 3]
    cowl = min(vehicle.cowl_z, front - 0.01)
    stations[3] = 0.5 * (front + cowl)
    stations[4] = cowl
    if vehicle.kind == PICKUP:
        stations[5] = 0.5 * (cowl + vehicle.bed_front)
        stations[6] = vehicle.bed_front
        stations[7] = vehicle.bed_front - 0.012
        stations[8] = 0.5 * (vehicle.bed_front + rear)
        stations[9] = rear + 0.012
    else:
        for step in range(1, 6):
            stations[4 + step] = cowl + (rear - cowl) * step / 6.0
    return stations


@kernel
def _shape_body(vehicle: np.record, vertices: np.ndarray) -> None:
    half = 0.5 * vehicle.length
    stations = _station_depths(vehicle)
    for station in range(STATIONS):
        z = stations[station]
        end = min(station, STATIONS - 1 - station)
        width, bottom, top = vehicle.half_width, vehicle.ride, top_height(vehicle, z)
        # In plan the sides draw in gently towards both ends.
        width *= 1.0 - 0.05 * (abs(z) / half) ** 4
        if end < 3:
            tall = top - bottom
            width *= _END_WIDTH[end]
            top -= (1.0 - _END_TOP[end]) * tall * (0.55 if station > 3 else 1.0)
            bottom += _END_BOTTOM[end] * tall
        bed = vehicle.kind == PICKUP and 7 <= station <= 9
        for point in range(9):
            x = BODY_PROFILE_X[point] * width
            y = bottom + BODY_PROFILE_Y[point] * (top - bottom)
            if point >= 7:
                y += 0.014 if point == 8 else 0.010
                if bed:
                    x = 0.0 if point == 8 else 0.80 * width
                    y = top - vehicle.bed_depth
            _write_point(vertices, station * RING, point, x, y, z)


@kernel
def _write_point(
    vertices: np.ndarray, start: int, point: int, x: float, y: float, z: float
) -> None:
    """Write a ring's point and its mirror image."""
    vertices[start + point] = x, y, z
    if 0 < point < RING // 2:
        vertices[start + RING - point] = -x, y, z


CABIN_PROFILE_X = np.array([0.0, 0.72, 0.93, 0.995, 1.0, 0.995, 0.94, 0.74, 0.0])
_CABIN_INSET = np.array([0.0, 0.018, 0.06, 0.14, 0.0, 0.12, 0.045, 0.012, 0.0])
_LEVEL = np.array([-0.10, 0.40, 0.80, 0.955, 1.0])


@kernel
def _shape_cabin(vehicle: np.record, vertices: np.ndarray) -> None:
    for level in range(LEVELS):
        y = vehicle.belt + _LEVEL[level] * (vehicle.height - vehicle.belt)
        front, rear = cabin_front(vehicle, y), cabin_rear(vehicle, y)
        width = cabin_width(vehicle, y)
        inset = 0.0
        if level == LEVELS - 1:
            inset = 0.05 if vehicle.kind != VAN else 0.04
        for point in range(9):
            x = CABIN_PROFILE_X[point] * (width - inset)
            z = 0.5 * (front + rear)
            if point < 4:
                z = front - _CABIN_INSET[point] - inset
            elif point > 4:
                z = rear + _CABIN_INSET[point] + inset
            _write_point(vertices, CABIN_START + level * RING, point, x, y, z)


@kernel
def _shape_wheels(vehicle: np.record, vertices: np.ndarray) -> None:
    outer = vehicle.half_width + 0.006
    for wheel in range(4):
        side = 1.0 if wheel < 2 else -1.0
        axle = vehicle.front_axle if wheel % 2 == 0 else vehicle.rear_axle
        start = WHEEL_START + wheel * 2 * SPOKES
        for ring in range(2):
            x = side * (outer - ring * vehicle.wheel_width)
            for point in range(SPOKES):
                angle = 2.0 * np.pi * point / SPOKES
                vertex = start + ring * SPOKES + point
                y = vehicle.wheel_radius * (1.0 + np.cos(angle))
                vertices[vertex] = x, y, axle + vehicle.wheel_radius * np.sin(angle)


@kernel
def shape(vehicle: np.record, vertices: np.ndarray) -> None:
    """Write the vehicle's vertices [VERTICES, 3] in the canonical frame."""
    _shape_body(vehicle, vertices)
    _shape_cabin(vehicle, vertices)
    _shape_wheels(vehicle, vertices)
    vertices[:, 1] -= 0.5 * vehicle.height
