"""The cabin of a road vehicle: screens, side windows, pillars, roof."""

import numpy as np

from train.data.road_vehicles.kinds import BOX_VAN, BUS, LORRY
from train.data.road_vehicles.outline import (
    CABIN,
    SHOULDER,
    WIDTH,
    cabin_half_width,
    roof_edge,
    shoulder_edge,
)
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import grey, put


@kernel
def glass(vehicle: np.record, level: float, clear: float, colour: np.ndarray) -> None:
    """Tinted glass; through clear glass the far windows light up what is above the seats.

    level: height in the cabin, 0 shoulder .. 1 roof. clear: how far one sees through, 0..1.
    """
    put(colour, vehicle.glass, 1.0)
    colour[4] = 1.0
    if level > 0.35:
        for channel in range(3):
            colour[channel] += 0.35 * clear * clear


@kernel
def _windscreen(vehicle: np.record, x: float, level: float, colour: np.ndarray) -> None:
    """Black at its foot; behind it the dashboard, seats and heads."""
    if level < 0.10:
        grey(colour, 0.03, 0.3)
        return
    glass(vehicle, level, vehicle.clear, colour)
    across = abs(abs(x) / vehicle.half_width - 0.38) / 0.17
    if level > 0.2 and across**2 + ((level - 0.42) / 0.30) ** 2 < 1.0:
        for channel in range(3):
            colour[channel] = 0.3 * colour[channel] + 0.6 * vehicle.clear * vehicle.inside[channel]


@kernel
def _rear_window(vehicle: np.record, across: float, level: float, colour: np.ndarray) -> None:
    """A window of its own size in a soft top."""
    if vehicle.rear_window == 0 or not 0.14 < level < 0.90:
        return
    if vehicle.soft_top == 0 or (across <= 0.55 and level <= 0.6):
        glass(vehicle, level, 0.6 * vehicle.clear, colour)
    else:
        put(colour, vehicle.roof_paint, 0.0)


@kernel
def _side_windows(vehicle: np.record, z: float, level: float, colour: np.ndarray) -> None:
    """Glass between posts; behind the first post none in a panel van."""
    post = abs(z - vehicle.post_one) < 0.018 or abs(z - vehicle.post_two) < 0.018
    if post or (vehicle.kind == BUS and (z * 4.0) % 1.0 < 0.08):
        if vehicle.glass_frame == 1:
            grey(colour, 0.02, 0.4)
    elif vehicle.windows == 1 or z >= vehicle.post_one:
        glass(vehicle, level, vehicle.clear, colour)


@kernel
def _across(vehicle: np.record, line: np.ndarray, x: float, y: float) -> float:
    """Distance from the mirror plane, as a share of the cabin's half width at that height."""
    share = (y - line[SHOULDER]) / max(line[CABIN], 1e-6)
    edge = shoulder_edge(vehicle, line[WIDTH])
    roof = roof_edge(vehicle, line[WIDTH], edge)
    return abs(x) / max(cabin_half_width(edge, roof, min(max(share, 0.0), 1.0)), 1e-6)


@kernel
def _roof(vehicle: np.record, level: float, colour: np.ndarray) -> None:
    if vehicle.soft_top == 1:
        put(colour, vehicle.roof_paint, 0.0)
    elif level > 0.8:
        put(colour, vehicle.roof_paint, 1.0)
    else:
        put(colour, vehicle.paint, 1.0)


@kernel
def _front_at(vehicle: np.record, level: float) -> float:
    """z of the windscreen's middle line."""
    return vehicle.screen_z + level * (vehicle.screen_top_z - vehicle.screen_z)


@kernel
def _rear_at(vehicle: np.record, level: float) -> float:
    """z of the rear window's middle line."""
    return vehicle.rear_z + level * (vehicle.rear_top_z - vehicle.rear_z)


@kernel
def _at_side(vehicle: np.record, across: float, z: float, level: float) -> bool:
    """Whether a point of the cabin is where side windows are, clear of the pillars at its ends."""
    if across < 0.86 or not 0.10 <= level <= 0.88:
        return False
    if _front_at(vehicle, level) - z < 0.05 or z - _rear_at(vehicle, level) < 0.07:
        return False
    return vehicle.soft_top == 0 or z >= vehicle.rear_top_z


@kernel
def cabin(
    vehicle: np.record, line: np.ndarray, x: float, y: float, z: float, colour: np.ndarray
) -> None:
    """Write the cabin's colour at a point above the shoulder; line: the hull's at z."""
    level = min(max((y - vehicle.belt) / (vehicle.height - vehicle.belt), 0.0), 1.0)
    _roof(vehicle, level, colour)
    if level < 0.06 and vehicle.kind != BUS:
        return
    across = _across(vehicle, line, x, y)
    soft = 0.05 + vehicle.softness  # how far the smoothed corners reach
    front, rear = _front_at(vehicle, level), _rear_at(vehicle, level)
    ahead = z > vehicle.screen_top_z - 0.4 * soft and z > front - soft - 0.1 * (1.0 - level)
    if ahead and across < vehicle.pillar + 0.06:
        if 0.03 < level < 0.93:
            _windscreen(vehicle, x, level, colour)
        return
    if vehicle.kind in (BOX_VAN, LORRY) and z < vehicle.screen_top_z - 0.35:
        return
    if z < vehicle.rear_top_z + 0.3 * soft and z < rear + soft and across < vehicle.pillar:
        _rear_window(vehicle, across, level, colour)
    elif _at_side(vehicle, across, z, level):
        _side_windows(vehicle, z, level, colour)
