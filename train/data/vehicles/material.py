"""Colour of every point of a vehicle's surface: the exact texture, as a function of position.

The photographs evaluate it per sample and `meshes` bakes it into an atlas: one source for both.
Positions are in the vehicle's own frame (road at y = 0); `colour` [4] receives RGB 0..1 and gloss.
"""

import numpy as np

from train.data.vehicles import shape
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import grey, put
from train.data.vehicles.vehicle import PICKUP, VAN

_SEAM = 0.007  # half width of a door's seam


@kernel
def _front(vehicle: np.record, x: float, y: float, depth: float, colour: np.ndarray) -> None:
    """Head lamps, grille, plate; `depth` is the distance behind the front end."""
    across = abs(x) / vehicle.half_width
    lamp_top = vehicle.nose - 0.035
    lamp_bottom = lamp_top - vehicle.lamp_size
    if across > 0.60 and lamp_bottom < y < lamp_top and depth < 0.11:
        put(colour, vehicle.lamp, 0.5)
        if across < 0.63 or y < lamp_bottom + 0.008:
            grey(colour, 0.25, 0.3)
    elif depth > 0.055:
        return
    elif across < vehicle.grille and lamp_top - vehicle.grille_height < y < lamp_top:
        grey(colour, 0.05 if (y * 60.0) % 1.0 < 0.7 else 0.32, 0.2)
    elif abs(x) < 0.115 and abs(y - vehicle.ride - 0.085) < 0.026:
        put(colour, vehicle.plate, 0.0)
        colour[0] = min(colour[0], 0.92)
    elif y < vehicle.ride + 0.06:
        put(colour, vehicle.trim, 0.0)


@kernel
def _rear(vehicle: np.record, x: float, y: float, depth: float, colour: np.ndarray) -> None:
    """Tail lamps, plate, bumper; `depth` is the distance before the rear end."""
    across = abs(x) / vehicle.half_width
    top = vehicle.deck - 0.03
    if across > 1.0 - vehicle.tail_width and top - vehicle.tail_size < y < top and depth < 0.07:
        colour[0], colour[1], colour[2] = 0.80, 0.05, 0.05
        colour[3] = 0.4
        if y > top - 0.25 * vehicle.tail_size:
            colour[0], colour[1] = 0.95, 0.25
    elif depth > 0.055:
        return
    elif abs(x) < 0.115 and abs(y - vehicle.ride - vehicle.plate_height - 0.06) < 0.028:
        put(colour, vehicle.plate, 0.0)
    elif y < vehicle.ride + 0.085:
        put(colour, vehicle.trim, 0.0)
    elif vehicle.kind == VAN and abs(x) < _SEAM:
        grey(colour, 0.08, 0.0)


@kernel
def _side(vehicle: np.record, y: float, z: float, colour: np.ndarray) -> None:
    """Wheel arches, door seams and handles."""
    arch = 1.17 * vehicle.wheel_radius
    for axle in (vehicle.front_axle, vehicle.rear_axle):
        if (y - vehicle.wheel_radius) ** 2 + (z - axle) ** 2 < arch * arch:
            grey(colour, 0.03, 0.0)
            return
    if y < vehicle.ride + vehicle.cladding:
        put(colour, vehicle.trim, 0.0)
        return
    door_front = min(vehicle.cowl_z - 0.01, vehicle.front_axle - arch)
    door_rear = max(vehicle.rear_z + 0.10, vehicle.rear_axle + 0.6 * arch)
    post = vehicle.post_one
    seam = abs(z - door_front) < _SEAM or abs(z - door_rear) < _SEAM or abs(z - post) < _SEAM
    if vehicle.kind == VAN:
        seam = seam or abs(z - vehicle.post_two) < _SEAM
    if seam and y < vehicle.belt:
        for channel in range(3):
            colour[channel] *= 0.35
    handle = abs(y - vehicle.belt + 0.055) < 0.009
    if handle and (0.02 < z - post < 0.075 or 0.02 < z - door_rear < 0.075):
        grey(colour, 0.12, 0.3)


@kernel
def _body(vehicle: np.record, x: float, y: float, z: float, colour: np.ndarray) -> None:
    half = 0.5 * vehicle.length
    put(colour, vehicle.paint, 0.35)
    if y < vehicle.two_tone_height:
        put(colour, vehicle.lower_paint, 0.35)
    if y < vehicle.ride + 0.012:
        grey(colour, 0.05, 0.0)
        return
    inside = abs(x) < 0.805 * vehicle.half_width
    if vehicle.kind == PICKUP and inside and z < vehicle.bed_front and z > 0.08 - half:
        if y < vehicle.deck - 0.02:
            grey(colour, 0.10 + 0.03 * (np.floor(x * 40.0) % 2.0), 0.0)
            return
    if abs(x) > 0.86 * vehicle.half_width and abs(z) < half - 0.06:
        _side(vehicle, y, z, colour)
    if z > 0.0:
        _front(vehicle, x, y, half - z, colour)
    else:
        _rear(vehicle, x, y, z + half, colour)


@kernel
def _side_window(vehicle: np.record, z: float, front: float, rear: float) -> bool:
    """Whether (z, at the height where the cabin spans rear..front) is glass on the side."""
    if front - z < vehicle.pillar + 0.03 or z - rear < vehicle.rear_pillar:
        return False
    if abs(z - vehicle.post_one) < 0.02 or abs(z - vehicle.post_two) < 0.02:
        return False
    return not (vehicle.kind == VAN and vehicle.side_windows == 1 and z < vehicle.post_one)


@kernel
def _cabin(vehicle: np.record, x: float, y: float, z: float, colour: np.ndarray) -> None:
    put(colour, vehicle.paint, 0.35)
    tall = vehicle.height - vehicle.belt
    share = (y - vehicle.belt) / tall
    top = vehicle.height - 0.045
    # A van's paint goes on above the windows.
    if vehicle.kind == VAN:
        top = vehicle.height - 0.24 * tall - 0.03
    front, rear = shape.cabin_front(vehicle, y), shape.cabin_rear(vehicle, y)
    to_front, to_rear = front - z, z - rear
    to_side = shape.cabin_width(vehicle, y) - abs(x)
    if share > 0.90:
        put(colour, vehicle.roof_paint, 0.35)
    if y > top or y < vehicle.belt + 0.018:
        return
    if to_front < 0.065 and to_side > 0.045 and to_front < to_rear:
        put(colour, vehicle.glass, 1.0)
    elif to_rear < 0.06 and to_side > 0.055 and to_rear < to_front:
        low = vehicle.belt + (0.05 if vehicle.kind == VAN else 0.03)
        split = vehicle.kind == VAN and abs(x) < 0.025
        if vehicle.rear_window == 1 and y > low and not split:
            put(colour, vehicle.glass, 1.0)
    elif to_side < 0.05 and _side_window(vehicle, z, front, rear):
        put(colour, vehicle.glass, 1.0)
    if vehicle.kind == VAN and abs(x) < _SEAM and to_rear < 0.05:
        grey(colour, 0.08, 0.0)


@kernel
def _wheel(vehicle: np.record, x: float, y: float, z: float, colour: np.ndarray) -> None:
    axle = vehicle.front_axle if z > 0.0 else vehicle.rear_axle
    up, along = y - vehicle.wheel_radius, z - axle
    radius = np.sqrt(up * up + along * along) / vehicle.wheel_radius
    grey(colour, 0.07, 0.0)
    if radius < 0.66 and abs(x) > vehicle.half_width:
        put(colour, vehicle.hub, 0.3)
        if 0.22 < radius < 0.56 and np.cos(vehicle.spokes * np.arctan2(up, along)) < -0.1:
            grey(colour, 0.22, 0.0)


@kernel
def surface(vehicle: np.record, part: int, position: np.ndarray, colour: np.ndarray) -> None:
    """Write RGB 0..1 and gloss (0 matt, 1 glass) of the part's point `position` [3]."""
    x, y, z = position[0], position[1], position[2]
    if part == shape.BODY:
        _body(vehicle, x, y, z, colour)
    elif part == shape.CABIN:
        _cabin(vehicle, x, y, z, colour)
    else:
        _wheel(vehicle, x, y, z, colour)
