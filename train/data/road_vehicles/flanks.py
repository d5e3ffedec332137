"""The flanks of a road vehicle: wheel arches, sills, seams, handles, scoops, roundels."""

import numpy as np

from train.data.road_vehicles.kinds import BUS, LORRY, NO_POST
from train.data.road_vehicles.outline import SHOULDER
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import darken, grey, put

_SEAM = 0.006  # half width of a door's seam
_ARCH = 1.13  # radius of an arch, in those of its wheel


@kernel
def _in_arch(vehicle: np.record, y: float, z: float, arch: float) -> bool:
    for axle in (vehicle.front_axle, vehicle.rear_axle):
        if (y - vehicle.wheel_radius) ** 2 + (z - axle) ** 2 < arch * arch:
            return True
    return False


@kernel
def _roundel(vehicle: np.record, y: float, z: float, colour: np.ndarray) -> bool:
    """Whether (y, z) is on the white disc with a start number; writes it."""
    above, ahead = y - 0.75 * vehicle.belt, z - vehicle.post_one - 0.2
    if vehicle.roundel == 0.0 or above**2 + ahead**2 >= vehicle.roundel**2:
        return False
    grey(colour, 0.9, 0.3)
    if abs(ahead) < 0.02 and abs(above) < 0.6 * vehicle.roundel:
        grey(colour, 0.03, 0.3)
    return True


@kernel
def _doors(
    vehicle: np.record, shoulder: float, y: float, z: float, arch: float, colour: np.ndarray
) -> None:
    """Seams and handles."""
    front = min(vehicle.screen_z - 0.02, vehicle.front_axle - arch)
    rear = max(vehicle.rear_z + 0.10, vehicle.rear_axle + 0.5 * arch)
    first = vehicle.post_one
    if first == NO_POST:
        first = rear = vehicle.rear_axle + arch
    seam = abs(z - front) < _SEAM or abs(z - rear) < _SEAM or abs(z - vehicle.post_one) < _SEAM
    if seam and y < shoulder - 0.01 and vehicle.kind < LORRY:
        darken(colour, 0.3)
    handle = abs(y - 0.86 * shoulder) < 0.009
    if handle and (0.02 < z - first < 0.07 or 0.02 < z - rear < 0.07) and vehicle.kind != BUS:
        grey(colour, 0.05, 0.6)


@kernel
def flank(vehicle: np.record, line: np.ndarray, y: float, z: float, colour: np.ndarray) -> None:
    """Write the colour of a point below the shoulder; line: the hull's at z."""
    arch = _ARCH * vehicle.wheel_radius
    if _in_arch(vehicle, y, z, arch):
        grey(colour, 0.015, 0.0)
        return
    if y < vehicle.ride + vehicle.sill + 0.02:
        put(colour, vehicle.trim, 0.1)
        return
    if _roundel(vehicle, y, z, colour):
        return
    if vehicle.bar > 0.0 and abs(y - 0.72 * vehicle.belt) < vehicle.bar:
        put(colour, vehicle.second, 0.8)
    ahead = z - vehicle.rear_axle - arch
    if vehicle.scoop > 0.0 and 0.0 < ahead < vehicle.scoop and 0.55 < y / vehicle.belt < 0.88:
        grey(colour, 0.02, 0.0)
        return
    _doors(vehicle, line[SHOULDER], y, z, arch, colour)
