"""The lines of a hull along its length: lower edge, shoulder, roof, width."""

import numpy as np

from train.data.road_vehicles.kinds import BUS, LORRY
from train.data.vehicles.counter import kernel

END = 7  # stations that close each end
_BETWEEN = 30  # stations at equal distances between the ends
_WALLS = 4  # stations at the walls of an open cockpit or bed
STATIONS = 2 * END + _BETWEEN + _WALLS

LINES = 6
"""Numbers per station, in this order; CABIN is the cabin's height above the shoulder, CABIN_SHARE
its share of the full height, 0 where there is none. WIDTH is half the width."""
Z, BOTTOM, SHOULDER, CABIN, WIDTH, CABIN_SHARE = range(LINES)

_CLOSING = np.array([0.0, 0.03, 0.10, 0.22, 0.40, 0.65, 0.90])  # depths, shares of the roundness
_TINY = 1e-6  # a length to divide by where there is none


@kernel
def _bulge(z: float, axle: float, reach: float) -> float:
    """1 above the axle, falling off over about `reach`."""
    return np.exp(-(((z - axle) / reach) ** 2))


@kernel
def _shoulder(vehicle: np.record, z: float) -> float:
    """Upper edge of the flanks, before it is smoothed."""
    half = 0.5 * vehicle.length
    if z >= vehicle.screen_z:
        share = min(max((half - z) / max(half - vehicle.screen_z, _TINY), 0.0), 1.0)
        y = vehicle.nose + (vehicle.belt - vehicle.nose) * share**0.8
        bump = vehicle.flare * _bulge(z, vehicle.front_axle, 0.16)
        return y + 0.6 * bump * (1.0 - share) * 1.5
    if z >= vehicle.rear_z:
        return vehicle.belt
    share = (vehicle.rear_z - z) / max(vehicle.rear_z + half, _TINY)
    bump = vehicle.flare * _bulge(z, vehicle.rear_axle, 0.18)
    return vehicle.belt + (vehicle.deck - vehicle.belt) * share + 0.8 * bump


@kernel
def _cabin(vehicle: np.record, z: float) -> float:
    """Share of the cabin's height at z, before it is smoothed."""
    if vehicle.screen_height > 0.0 or z >= vehicle.screen_z or z <= vehicle.rear_z:
        return 0.0
    if z > vehicle.screen_top_z:
        share = (vehicle.screen_z - z) / max(vehicle.screen_z - vehicle.screen_top_z, _TINY)
        return share * (1.0 + 0.12 * (1.0 - share))
    if z < vehicle.rear_top_z:
        share = (z - vehicle.rear_z) / max(vehicle.rear_top_z - vehicle.rear_z, _TINY)
        return 0.97 * share * (1.0 + 0.30 * (1.0 - share))
    share = (vehicle.screen_top_z - z) / max(vehicle.screen_top_z - vehicle.rear_top_z, _TINY)
    return 1.0 - 0.03 * share * share


@kernel
def _width(vehicle: np.record, z: float) -> float:
    """Half width, before the ends are closed."""
    along = abs(z) / (0.5 * vehicle.length)
    width = vehicle.half_width * (1.0 - (0.10 if z > 0.0 else 0.05) * along**4)
    for axle in (vehicle.front_axle, vehicle.rear_axle):
        width += 0.6 * vehicle.flare * _bulge(z, axle, 0.17)
    return width


@kernel
def _place_stations(vehicle: np.record, table: np.ndarray) -> None:
    """z of each station, front to rear."""
    half = 0.5 * vehicle.length
    for end in range(END):
        table[end, Z] = half - _CLOSING[end] * vehicle.nose_round
        table[STATIONS - 1 - end, Z] = _CLOSING[end] * vehicle.tail_round - half
    front, rear = table[END - 1, Z], table[STATIONS - END, Z]
    for step in range(_BETWEEN):
        table[END + step, Z] = front + (rear - front) * (step + 0.5) / _BETWEEN
    for wall in range(_WALLS):
        # Two stations 0.008 apart make an upright wall; without a cavity they are spread out.
        z = front + (rear - front) * (0.2 * wall + 0.2)
        if vehicle.cavity_depth > 0.0:
            z = vehicle.cavity_front if wall < 2 else vehicle.cavity_rear
            z += 0.004 if wall % 2 == 0 else -0.004
        table[END + _BETWEEN + wall, Z] = min(max(z, rear + 1e-4 * wall), front - 1e-4 * wall)
    ordered = np.sort(table[:, Z])
    for station in range(STATIONS):
        table[station, Z] = ordered[STATIONS - 1 - station]


@kernel
def _smooth_shoulder(vehicle: np.record, z: float) -> float:
    """Mean of five places, as far apart as the vehicle is soft."""
    half, mean = 0.5 * vehicle.length, 0.0
    for tap in range(-2, 3):
        at = z + 0.5 * tap * vehicle.softness
        mean += 0.2 * _shoulder(vehicle, min(max(at, -half), half))
    return mean


@kernel
def _smooth_cabin(vehicle: np.record, z: float) -> float:
    """Mean of five places; at an end of the vehicle the cabin stays upright."""
    half, mean = 0.5 * vehicle.length, 0.0
    for tap in range(-2, 3):
        mean += 0.2 * _cabin(vehicle, z + 0.5 * tap * vehicle.softness)
    if vehicle.rear_z < 0.03 - half and z < vehicle.rear_top_z:
        mean = 0.97
        if vehicle.rear_top_z - vehicle.rear_z > 0.03:
            mean = _cabin(vehicle, max(z, vehicle.rear_z + 1e-4))
    if vehicle.screen_z > half - 0.06 and z > vehicle.screen_top_z:
        mean = max(mean, _cabin(vehicle, min(z, vehicle.screen_z - 1e-4)))
    return mean


@kernel
def _closed(vehicle: np.record, z: float) -> float:
    """0 at the very end, 1 where the hull is full: a superellipse over the end's roundness."""
    half = 0.5 * vehicle.length
    depth = half - z if z > 0.0 else half + z
    reach = vehicle.nose_round if z > 0.0 else vehicle.tail_round
    share = min(depth / max(reach, _TINY), 1.0)
    return (1.0 - (1.0 - share) ** vehicle.exponent) ** (1.0 / vehicle.exponent)


@kernel
def _draw_line(vehicle: np.record, line: np.ndarray) -> None:
    """Fill line [LINES] of the station at its z."""
    z = line[Z]
    closed, cabin = _closed(vehicle, z), _smooth_cabin(vehicle, z)
    blunt, end = vehicle.rear_width, vehicle.deck
    if z > 0.0:
        blunt, end = vehicle.front_width, vehicle.nose
    upright = 0.86 if vehicle.kind in (LORRY, BUS) else 0.52
    full = upright + (1.0 - upright) * closed
    bottom = vehicle.ride + 0.05 * (1.0 - closed)
    tip = vehicle.ride + 0.5 * (end - vehicle.ride)
    line[BOTTOM] = tip + (bottom - tip) * (0.75 + 0.25 * closed)
    line[SHOULDER] = tip + (_smooth_shoulder(vehicle, z) - tip) * full
    line[CABIN] = cabin * (vehicle.height - vehicle.belt) * (0.92 + 0.08 * closed)
    line[WIDTH] = _width(vehicle, z) * (blunt + (1.0 - blunt) * closed)
    line[CABIN_SHARE] = min(cabin, 1.0)


@kernel
def draw_lines(vehicle: np.record, table: np.ndarray) -> None:
    """Fill table [STATIONS, LINES], front to rear, in the vehicle's own frame."""
    _place_stations(vehicle, table)
    for station in range(STATIONS):
        _draw_line(vehicle, table[station])


@kernel
def width_at(table: np.ndarray, z: float) -> float:
    """Half width of the hull at z, from its lines."""
    low = STATIONS - 1
    for station in range(1, STATIONS):
        if table[station, Z] <= z:
            low = station
            break
    share = (z - table[low, Z]) / max(table[low - 1, Z] - table[low, Z], 1e-9)
    wide = table[low - 1, WIDTH] - table[low, WIDTH]
    return table[low, WIDTH] + min(max(share, 0.0), 1.0) * wide


@kernel
def shoulder_edge(vehicle: np.record, width: float) -> float:
    """Half width at the shoulder where the hull's is `width`."""
    return width * (0.93 - vehicle.barrel)


@kernel
def roof_edge(vehicle: np.record, width: float, edge: float) -> float:
    """Half width of the roof where the hull's is `width` and `edge` that at the shoulder."""
    return min(vehicle.roof_width * width / vehicle.half_width, 0.94 * edge)


@kernel
def cabin_half_width(edge: float, roof: float, share: float) -> float:
    """Half width of the cabin at a share 0..1 of its height (narrower towards the roof)."""
    return 0.95 * edge + (roof - 0.95 * edge) * share**1.2
