"""What tells the front of a road vehicle from its rear, and what is on its bonnet and deck.

All positions are in the vehicle's own frame, road at y = 0; lines are those of the hull at z.
"""

import numpy as np

from train.data.road_vehicles.grilles import grille
from train.data.road_vehicles.kinds import BUS, COUPE, LORRY, ROADSTER, SUPERCAR
from train.data.road_vehicles.lamps import head_lamp, tail_lamp
from train.data.road_vehicles.outline import SHOULDER, WIDTH
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import darken, grey, put

_PLAIN_BUMPER = 0.3  # below it a vehicle's `bumper` is a bar of its own at both ends
_GARNISH = 0.8  # above it there is a dark panel between the tail lamps


@kernel
def top(vehicle: np.record, line: np.ndarray, x: float, z: float, colour: np.ndarray) -> None:
    """Bonnet and deck: seams, louvres."""
    half, across = 0.5 * vehicle.length, abs(x) / max(line[WIDTH], 1e-6)
    if z > vehicle.screen_z and z < half - 0.5 * vehicle.nose_round:
        if abs(across - 0.74) < 0.012:
            darken(colour, 0.4)
        if vehicle.scoop > 0.08 and abs(x) < 0.08 and 0.06 < (z - vehicle.screen_z) < 0.12:
            grey(colour, 0.03, 0.0)
    elif z < vehicle.rear_z and vehicle.kind == SUPERCAR and across < 0.6:
        if (z * 24.0) % 1.0 < 0.4 and vehicle.scoop > 0.09:
            grey(colour, 0.03, 0.0)


@kernel
def _plate(x: float, y: float, middle: float, source: np.ndarray, colour: np.ndarray) -> bool:
    """Whether (x, y) is on the number plate at height `middle`; writes it, letters and all."""
    if abs(x) > 0.115 or abs(y - middle) > 0.028:
        return False
    put(colour, source, 0.1)
    ink = np.sin(170.0 * x + 3.0) + np.sin(97.0 * x)
    if abs(x) < 0.10 and abs(y - middle) < 0.017 and ink > 0.35:
        grey(colour, 0.08 if source[1] > 0.4 else 0.9, 0.1)
    return True


@kernel
def _destination(vehicle: np.record, x: float, y: float, back: float, colour: np.ndarray) -> None:
    """The bright panel above the windscreen of lorries and buses."""
    if vehicle.kind not in (LORRY, BUS) or vehicle.windows != 1:
        return
    if back < 0.2 and y > 0.93 * vehicle.height and abs(x) < 0.5 * vehicle.half_width:
        grey(colour, 0.85, 0.2)


@kernel
def _face(vehicle: np.record, x: float, y: float, colour: np.ndarray) -> None:
    """Plate, bumper, grille, badge, lip."""
    span = vehicle.nose - vehicle.ride
    middle = vehicle.ride + vehicle.plate_front * span
    if vehicle.front_plate == 1 and _plate(x, y, middle, vehicle.plate, colour):
        return
    if vehicle.bumper < _PLAIN_BUMPER and abs(y - vehicle.ride - 0.26 * span) < 0.035:
        put(colour, vehicle.bumper_paint, 0.6)
        return
    if grille(vehicle, x, y, colour):
        return
    if x * x + (y - vehicle.ride - 0.80 * span) ** 2 < 0.014**2:
        grey(colour, 0.75, 0.7)
    elif y < vehicle.ride + 0.06 * span:
        put(colour, vehicle.trim, 0.0)


@kernel
def front(
    vehicle: np.record, line: np.ndarray, x: float, y: float, z: float, colour: np.ndarray
) -> None:
    """Head lamps, and the face."""
    back = 0.5 * vehicle.length - z
    if back > 0.45 or y > max(1.03 * line[SHOULDER], vehicle.nose):
        _destination(vehicle, x, y, back, colour)
        return
    if head_lamp(vehicle, line, x, y, back, colour):
        return
    if back <= 0.55 * vehicle.nose_round + 0.035:
        _face(vehicle, x, y, colour)


@kernel
def _exhaust(vehicle: np.record, x: float, up: float, span: float, colour: np.ndarray) -> bool:
    """Whether (x, up of the span) is one of the tail pipes, alternately right and left."""
    for pipe in range(int(vehicle.exhausts)):
        middle = (0.45 if pipe < 2 else 0.58) * vehicle.half_width
        middle *= 1.0 if pipe % 2 == 0 else -1.0
        distance = np.sqrt((x - middle) ** 2 + (up * span - 0.10 * span) ** 2)
        if distance < 0.028:
            grey(colour, 0.02 if distance < 0.018 else 0.6, 0.5)
            return True
    return False


@kernel
def _garnish(vehicle: np.record, x: float, up: float) -> bool:
    """Whether (x, up of the span) is on the dark panel between the tail lamps."""
    between = abs(up - vehicle.tail_y) < 0.10 and abs(x) < 0.5 * vehicle.half_width
    return vehicle.bumper > _GARNISH and between


@kernel
def _tail(vehicle: np.record, x: float, y: float, colour: np.ndarray) -> None:
    """Plate, exhausts, diffuser, bumper, garnish, seam of the boot."""
    span = vehicle.deck - vehicle.ride
    if _plate(x, y, vehicle.ride + vehicle.plate_rear * span, vehicle.rear_plate, colour):
        return
    up = (y - vehicle.ride) / max(span, 1e-6)
    if _exhaust(vehicle, x, up, span, colour):
        return
    sporty = vehicle.kind in (COUPE, SUPERCAR, ROADSTER)
    if up < (0.22 if sporty else 0.07):
        grey(colour, 0.025 if (x * 12.0) % 1.0 < 0.85 else 0.12, 0.1)
    elif vehicle.bumper < _PLAIN_BUMPER and abs(up - 0.27) < 0.09:
        put(colour, vehicle.bumper_paint, 0.6)
    elif _garnish(vehicle, x, up):
        grey(colour, 0.04, 0.2)
    elif abs(up - 0.50) < 0.012 and vehicle.kind != BUS:
        darken(colour, 0.4)


@kernel
def rear(
    vehicle: np.record, line: np.ndarray, x: float, y: float, z: float, colour: np.ndarray
) -> None:
    """Tail lamps, and what is between and below them."""
    ahead = z + 0.5 * vehicle.length
    if ahead > 0.25 or y > 1.02 * line[SHOULDER] + 0.01:
        return
    if tail_lamp(vehicle, x, y, ahead, colour):
        return
    if ahead <= 0.55 * vehicle.tail_round + 0.03:
        _tail(vehicle, x, y, colour)
