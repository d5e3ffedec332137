"""Colours of the boxes of a road vehicle: cargo, mirrors, screen and seats, what is on the roof."""

import numpy as np

from train.data.road_vehicles.boxes import (
    CARGO,
    LEFT_MIRROR,
    LEFT_SEAT,
    RIGHT_MIRROR,
    RIGHT_SEAT,
    ROOF_LOAD,
    SCREEN,
)
from train.data.road_vehicles.kinds import LADDER, LIGHT_BAR, SIGN
from train.data.road_vehicles.windows import glass
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import darken, grey, put


@kernel
def _cargo_doors(vehicle: np.record, x: float, y: float, colour: np.ndarray) -> None:
    """The rear of a cargo box: seam, bars, lamps at its foot."""
    if abs(x) < 0.006 or abs(abs(x) - 0.4 * vehicle.cargo_width) < 0.008:
        darken(colour, 0.4)
    if y < vehicle.ride + 0.16 * vehicle.height:
        put(colour, vehicle.trim, 0.0)
        if 0.6 < abs(x) / vehicle.cargo_width < 0.95:
            put(colour, vehicle.tail_lamp, 0.4)


@kernel
def _cargo(vehicle: np.record, x: float, y: float, z: float, colour: np.ndarray) -> None:
    put(colour, vehicle.cargo_paint, 0.3)
    if z + 0.5 * vehicle.length < 0.01:
        _cargo_doors(vehicle, x, y, colour)
    elif vehicle.bar > 0.0 and abs(y - 0.75 * vehicle.cargo_height) < 2.0 * vehicle.bar:
        put(colour, vehicle.second, 0.3)
    elif y < vehicle.ride + 0.13 * vehicle.height:
        put(colour, vehicle.trim, 0.0)


@kernel
def _screen(vehicle: np.record, x: float, y: float, colour: np.ndarray) -> None:
    """The windscreen of an open car, in its frame."""
    glass(vehicle, 1.0, vehicle.clear, colour)
    above = vehicle.belt + 0.93 * vehicle.screen_height
    if abs(x) > 0.68 * vehicle.half_width or y > above:
        grey(colour, 0.05, 0.4)
        colour[4] = 0.0


@kernel
def _mirror(vehicle: np.record, z: float, colour: np.ndarray) -> None:
    if z < vehicle.screen_z - 0.05 - 0.5 * vehicle.mirror:
        grey(colour, 0.12, 1.0)  # the glass faces the rear
    elif vehicle.bumper > 0.6:
        grey(colour, 0.04, 0.5)


@kernel
def _roof_load(vehicle: np.record, x: float, z: float, colour: np.ndarray) -> None:
    put(colour, vehicle.trim, 0.1)
    if vehicle.roof_load == LIGHT_BAR:
        colour[0], colour[1], colour[2] = 0.1, 0.15, 0.9 if x > 0.0 else 0.2
    elif vehicle.roof_load == SIGN:
        put(colour, vehicle.second, 0.3)
    elif vehicle.roof_load == LADDER:
        grey(colour, 0.6, 0.2)
        if (z * 14.0) % 1.0 < 0.6 and abs(x) < 0.16 * vehicle.half_width:
            grey(colour, 0.05, 0.0)


@kernel
def box_colour(
    vehicle: np.record, box: int, x: float, y: float, z: float, colour: np.ndarray
) -> None:
    """Write the colour of a point of one of the boxes, in the vehicle's own frame."""
    put(colour, vehicle.paint, 0.8)
    if box == CARGO:
        _cargo(vehicle, x, y, z, colour)
    elif box == SCREEN:
        _screen(vehicle, x, y, colour)
    elif box in (LEFT_MIRROR, RIGHT_MIRROR):
        _mirror(vehicle, z, colour)
    elif box in (LEFT_SEAT, RIGHT_SEAT):
        for channel in range(3):
            colour[channel] = 0.15 + 0.7 * vehicle.inside[channel]
        colour[3] = 0.1
    elif box == ROOF_LOAD:
        _roof_load(vehicle, x, z, colour)
