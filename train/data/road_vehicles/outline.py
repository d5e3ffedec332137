"""The lines of a hull along its length: lower edge, shoulder, roof, width."""

import numpy as np

from train.data.road_vehicles.vehicle import BUS, LORRY
from train.data.vehicles.counter import kernel

END = 7  # stations that close each end
BETWEEN = 30
STATIONS = 2 * END + BETWEEN + 4
LINES = 6  # z, lower edge, shoulder, cabin's height above it, half width, share of the cabin
CLOSING = np.array([0.0, 0.03, 0.10, 0.22, 0.40, 0.65, 0.90])  # depths, shares of the roundness


@kernel
def _shoulder(v: np.record, z: float) -> float:
    """Upper edge of the flanks, before it is smoothed."""
    half = 0.5 * v.length
    if z >= v.screen_z:
        share = min(max((half - z) / max(half - v.screen_z, 1e-6), 0.0), 1.0)
        y = v.nose + (v.belt - v.nose) * share**0.8
        bump = v.flare * np.exp(-(((z - v.front_axle) / 0.16) ** 2))
        return y + 0.6 * bump * (1.0 - share) * 1.5
    if z >= v.rear_z:
        return v.belt
    share = (v.rear_z - z) / max(v.rear_z + half, 1e-6)
    bump = v.flare * np.exp(-(((z - v.rear_axle) / 0.18) ** 2))
    return v.belt + (v.deck - v.belt) * share + 0.8 * bump


@kernel
def _cabin(v: np.record, z: float) -> float:
    """Share of the cabin's height at z, before it is smoothed."""
    if v.screen_height > 0.0 or z >= v.screen_z or z <= v.rear_z:
        return 0.0
    if z > v.screen_top_z:
        share = (v.screen_z - z) / max(v.screen_z - v.screen_top_z, 1e-6)
        return share * (1.0 + 0.12 * (1.0 - share))
    if z < v.rear_top_z:
        share = (z - v.rear_z) / max(v.rear_top_z - v.rear_z, 1e-6)
        return 0.97 * share * (1.0 + 0.30 * (1.0 - share))
    share = (v.screen_top_z - z) / max(v.screen_top_z - v.rear_top_z, 1e-6)
    return 1.0 - 0.03 * share * share


@kernel
def _width(v: np.record, z: float) -> float:
    half = 0.5 * v.length
    along = abs(z) / half
    width = v.half_width * (1.0 - (0.10 if z > 0.0 else 0.05) * along**4)
    for axle in (v.front_axle, v.rear_axle):
        width += 0.6 * v.flare * np.exp(-(((z - axle) / 0.17) ** 2))
    return width


@kernel
def _place_stations(v: np.record, table: np.ndarray) -> None:
    """z of each station, front to rear."""
    half = 0.5 * v.length
    for end in range(END):
        table[end, 0] = half - CLOSING[end] * v.nose_round
        table[STATIONS - 1 - end, 0] = CLOSING[end] * v.tail_round - half
    front, rear = table[END - 1, 0], table[STATIONS - END, 0]
    for step in range(BETWEEN):
        table[END + step, 0] = front + (rear - front) * (step + 0.5) / BETWEEN
    extra = END + BETWEEN
    walls = (
        v.cavity_front + 0.004,
        v.cavity_front - 0.004,
        v.cavity_rear + 0.004,
        v.cavity_rear - 0.004,
    )
    for wall in range(4):
        z = walls[wall] if v.cavity_depth > 0.0 else front + (rear - front) * (0.2 * wall + 0.2)
        table[extra + wall, 0] = min(max(z, rear + 1e-4 * wall), front - 1e-4 * wall)
    ordered = np.sort(table[:, 0])
    for station in range(STATIONS):
        table[station, 0] = ordered[STATIONS - 1 - station]


@kernel
def lines(v: np.record, table: np.ndarray) -> None:
    """Fill table [STATIONS, LINES], front to rear."""
    half = 0.5 * v.length
    _place_stations(v, table)
    upright = 0.86 if v.kind in (LORRY, BUS) else 0.52
    for station in range(STATIONS):
        z = table[station, 0]
        shoulder = cabin = 0.0
        for tap in range(-2, 3):
            at = z + 0.5 * tap * v.softness
            shoulder += 0.2 * _shoulder(v, min(max(at, -half), half))
            cabin += 0.2 * _cabin(v, at)
        if v.rear_z < 0.03 - half and z < v.rear_top_z:  # no smoothing off the end of the roof
            cabin = _cabin(v, max(z, v.rear_z + 1e-4)) if v.rear_top_z - v.rear_z > 0.03 else 0.97
        if v.screen_z > half - 0.06 and z > v.screen_top_z:
            cabin = max(cabin, _cabin(v, min(z, v.screen_z - 1e-4)))
        depth = half - z if z > 0.0 else half + z
        reach = v.nose_round if z > 0.0 else v.tail_round
        closed = min(depth / max(reach, 1e-6), 1.0)
        closed = (1.0 - (1.0 - closed) ** v.exponent) ** (1.0 / v.exponent)
        blunt = v.front_width if z > 0.0 else v.rear_width
        width = _width(v, z) * (blunt + (1.0 - blunt) * closed)
        bottom = v.ride + 0.05 * (1.0 - closed)
        tip = v.ride + 0.5 * ((v.nose if z > 0.0 else v.deck) - v.ride)
        full = upright + (1.0 - upright) * closed
        table[station, 1] = tip + (bottom - tip) * (0.75 + 0.25 * closed)
        table[station, 2] = tip + (shoulder - tip) * full
        table[station, 3] = cabin * (v.height - v.belt) * (0.92 + 0.08 * closed)
        table[station, 4] = width
        table[station, 5] = min(cabin, 1.0)
