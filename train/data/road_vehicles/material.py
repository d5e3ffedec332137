"""Colour and gloss of every point of a road vehicle's surface, as a function of its position.

Positions are in the vehicle's own frame (road at y = 0); `colour` [5] receives RGB 0..1, gloss (how
mirror-like, 0..1) and glass (1 where one looks through).
"""

import numpy as np

from train.data.road_vehicles import ends
from train.data.road_vehicles.ends import black, put
from train.data.road_vehicles.outline import STATIONS
from train.data.road_vehicles.shape import (
    BOX,
    CARGO,
    HULL,
    LEFT_MIRROR,
    LEFT_SEAT,
    RIGHT_MIRROR,
    RIGHT_SEAT,
    ROOF_LOAD,
    SCREEN,
    SPOILER,
    WHEEL,
)  # fmt: skip
from train.data.road_vehicles.vehicle import BOX_VAN, BUS, LORRY, PICKUP
from train.data.vehicles.counter import kernel

_SEAM = 0.006  # half width of a door's seam


@kernel
def line_at(table: np.ndarray, z: float, line: np.ndarray) -> None:
    """Write the hull's lines [LINES] at z."""
    low, high = 0, STATIONS - 1  # stations run to the rear
    while high - low > 1:
        middle = (low + high) // 2
        if table[middle, 0] >= z:
            low = middle
        else:
            high = middle
    share = (table[low, 0] - z) / max(table[low, 0] - table[high, 0], 1e-9)
    share = min(max(share, 0.0), 1.0)
    for column in range(len(line)):
        line[column] = table[low, column] + share * (table[high, column] - table[low, column])


@kernel
def _flank(v: np.record, line: np.ndarray, y: float, z: float, colour: np.ndarray) -> None:
    """Wheel arches, sills, seams, handles, scoops, roundels."""
    arch = 1.13 * v.wheel_radius
    for axle in (v.front_axle, v.rear_axle):
        if (y - v.wheel_radius) ** 2 + (z - axle) ** 2 < arch * arch:
            black(colour, 0.015, 0.0)
            return
    if y < v.ride + v.sill + 0.02:
        put(colour, v.trim, 0.1)
        return
    if v.roundel > 0.0 and (y - 0.75 * v.belt) ** 2 + (z - v.post_one - 0.2) ** 2 < v.roundel**2:
        black(colour, 0.9, 0.3)
        if abs(z - v.post_one - 0.2) < 0.02 and abs(y - 0.75 * v.belt) < 0.6 * v.roundel:
            black(colour, 0.03, 0.3)
        return
    if v.bar > 0.0 and abs(y - 0.72 * v.belt) < v.bar:
        put(colour, v.second, 0.8)
    if v.scoop > 0.0 and 0.0 < z - v.rear_axle - arch < v.scoop and 0.55 < y / v.belt < 0.88:
        black(colour, 0.02, 0.0)
        return
    front = min(v.screen_z - 0.02, v.front_axle - arch)
    rear = (
        v.rear_axle + arch if v.post_one < -5.0 else max(v.rear_z + 0.10, v.rear_axle + 0.5 * arch)
    )
    seam = abs(z - front) < _SEAM or abs(z - rear) < _SEAM or abs(z - v.post_one) < _SEAM
    if seam and y < line[2] - 0.01 and v.kind < LORRY:
        for channel in range(3):
            colour[channel] *= 0.3
    first = v.post_one if v.post_one > -5.0 else rear
    handle = abs(y - 0.86 * line[2]) < 0.009
    if handle and (0.02 < z - first < 0.07 or 0.02 < z - rear < 0.07) and v.kind != BUS:
        black(colour, 0.05, 0.6)


@kernel
def _glass(v: np.record, colour: np.ndarray, level: float, clear: float) -> None:
    """Tinted glass; through clear glass the far windows light up what is above the seats."""
    put(colour, v.glass, 1.0)
    colour[4] = 1.0
    if level > 0.35:
        for channel in range(3):
            colour[channel] += 0.35 * clear * clear


@kernel
def _windscreen(v: np.record, x: float, level: float, colour: np.ndarray) -> None:
    """Black at its foot; behind it the dashboard, seats and heads."""
    if level < 0.10:
        black(colour, 0.03, 0.3)
        return
    _glass(v, colour, level, v.clear)
    across = abs(abs(x) / v.half_width - 0.38) / 0.17
    if level > 0.2 and (across / 1.0) ** 2 + ((level - 0.42) / 0.30) ** 2 < 1.0:
        for channel in range(3):
            colour[channel] = 0.3 * colour[channel] + 0.6 * v.clear * v.inside[channel]


@kernel
def _cabin(
    v: np.record, line: np.ndarray, x: float, y: float, z: float, colour: np.ndarray
) -> None:
    """Screens, side windows, pillars, roof."""
    tall = v.height - v.belt
    share = (y - line[2]) / max(line[3], 1e-6)  # of the cabin's height here
    level = min(max((y - v.belt) / tall, 0.0), 1.0)
    front = v.screen_z + level * (v.screen_top_z - v.screen_z)
    rear = v.rear_z + level * (v.rear_top_z - v.rear_z)
    edge = line[4] * (0.93 - v.barrel)
    roof = min(v.roof_width * line[4] / v.half_width, 0.94 * edge)
    side = 0.95 * edge + (roof - 0.95 * edge) * min(max(share, 0.0), 1.0) ** 1.2
    across = abs(x) / max(side, 1e-6)
    soft = 0.05 + v.softness
    put(
        colour,
        v.roof_paint if level > 0.8 or v.soft_top == 1 else v.paint,
        0.0 if v.soft_top == 1 else 1.0,
    )
    if level < 0.06 and v.kind != BUS:
        return
    if (
        z > v.screen_top_z - 0.4 * soft
        and z > front - soft - 0.1 * (1.0 - level)
        and across < v.pillar + 0.06
    ):
        if 0.03 < level < 0.93:
            _windscreen(v, x, level, colour)
        return
    if v.kind >= BOX_VAN and v.kind != BUS and z < v.screen_top_z - 0.35:
        return
    if z < v.rear_top_z + 0.3 * soft and z < rear + soft and across < v.pillar:
        if v.rear_window == 1 and 0.14 < level < 0.90:
            _glass(v, colour, level, 0.6 * v.clear)
            if v.soft_top == 1 and (across > 0.55 or level > 0.6):
                put(colour, v.roof_paint, 0.0)
                colour[4] = 0.0
        return
    if across < 0.86 or level > 0.88 or level < 0.10:
        return
    if front - z < 0.05 or z - rear < 0.07 or v.soft_top == 1 and z < v.rear_top_z:
        return
    post = abs(z - v.post_one) < 0.018 or abs(z - v.post_two) < 0.018
    if v.kind == BUS and (z * 4.0) % 1.0 < 0.08:
        post = True
    if post:
        if v.glass_frame == 1:
            black(colour, 0.02, 0.4)
        return
    if v.windows == 0 and z < v.post_one:
        return
    _glass(v, colour, level, v.clear)


@kernel
def _hull(
    v: np.record, table: np.ndarray, p: np.ndarray, line: np.ndarray, colour: np.ndarray
) -> None:
    x, y, z = p[0], p[1], p[2]
    line_at(table, z, line)
    put(colour, v.paint, 1.0)
    if y < 0.55 * v.belt:
        put(colour, v.lower_paint, 1.0)
    edge = line[4] * (0.93 - v.barrel)
    if y < line[1] + 0.01:
        black(colour, 0.03, 0.0)
        return
    if v.cavity_depth > 0.0 and v.cavity_rear < z < v.cavity_front and abs(x) < 0.93 * edge:
        if y < line[2] - 0.015:
            put(colour, v.inside if v.kind != PICKUP else v.trim, 0.0)
            return
    if line[3] > 0.03 and y > line[2] + 0.004:
        _cabin(v, line, x, y, z, colour)
    elif abs(x) > 0.80 * line[4] and y < line[2] + 0.002:
        _flank(v, line, y, z, colour)
    elif y > 0.8 * line[2]:
        ends.top(v, line, x, z, colour)
    if z > 0.0:
        ends.front(v, line, x, y, z, colour)
    else:
        ends.rear(v, line, x, y, z, colour)
    if v.stripe > 0.0 and colour[4] == 0.0 and colour[3] == 1.0:
        if abs(abs(x) - 1.3 * v.stripe) < v.stripe and y > 0.55 * v.belt:
            put(colour, v.second, 1.0)


@kernel
def _wheel(v: np.record, x: float, y: float, z: float, colour: np.ndarray) -> None:
    axle = v.front_axle if z > 0.5 * (v.front_axle + v.rear_axle) else v.rear_axle
    up, along = y - v.wheel_radius, z - axle
    radius = np.sqrt(up * up + along * along) / v.wheel_radius
    put(colour, v.tyre, 0.1)
    if radius >= v.hub_share or abs(x) < v.half_width - 0.06:
        return
    share, angle = radius / v.hub_share, np.arctan2(up, along)
    put(colour, v.hub, 0.5)
    if v.hub_style == 1 or share > 0.92 or share < 0.16:
        return
    spoke = np.cos(v.spokes * angle)
    gap = spoke < (0.1 if v.hub_style == 0 else (-0.3 if v.hub_style == 3 else 0.55))
    if gap and share > 0.24:
        black(colour, 0.03, 0.0)
        if 0.3 < share < 0.75 and v.hub_style == 2 and along > 0.0 and abs(angle) < 0.8:
            put(colour, v.caliper, 0.3)


@kernel
def _box(v: np.record, box: int, x: float, y: float, z: float, colour: np.ndarray) -> None:
    put(colour, v.paint, 0.8)
    if box == CARGO:
        put(colour, v.cargo_paint, 0.3)
        half = 0.5 * v.length
        if z + half < 0.01:
            ends.rear_box(v, x, y, colour)
        elif v.bar > 0.0 and abs(y - 0.75 * v.cargo_height) < 2.0 * v.bar:
            put(colour, v.second, 0.3)
        elif y < v.ride + 0.13 * v.height:
            put(colour, v.trim, 0.0)
    elif box == SCREEN:
        _glass(v, colour, 1.0, v.clear)
        low = v.belt
        if abs(x) > 0.68 * v.half_width or y > low + 0.93 * v.screen_height:
            black(colour, 0.05, 0.4)
            colour[4] = 0.0
    elif box in (LEFT_MIRROR, RIGHT_MIRROR):
        if z < v.screen_z - 0.05 - 0.5 * v.mirror:
            black(colour, 0.12, 1.0)  # the glass faces the rear
        elif v.bumper > 0.6:
            black(colour, 0.04, 0.5)
    elif box in (LEFT_SEAT, RIGHT_SEAT):
        put(colour, v.inside, 0.1)
        for channel in range(3):
            colour[channel] = 0.15 + 0.7 * colour[channel]
    elif box == ROOF_LOAD:
        put(colour, v.trim, 0.1)
        if v.roof_load == 1:
            colour[0], colour[1], colour[2] = 0.1, 0.15, 0.9 if x > 0.0 else 0.2
        elif v.roof_load == 2:
            put(colour, v.second, 0.3)
        elif v.roof_load == 3:
            black(colour, 0.6, 0.2)
            if (z * 14.0) % 1.0 < 0.6 and abs(x) < 0.16 * v.half_width:
                black(colour, 0.05, 0.0)


@kernel
def surface(
    v: np.record, table: np.ndarray, part: int, p: np.ndarray, line: np.ndarray, colour: np.ndarray
) -> None:
    """Write RGB 0..1, gloss and glass of the part's point p [3]; `line` [LINES] is scratch."""
    colour[4] = 0.0
    if part == HULL:
        _hull(v, table, p, line, colour)
    elif part == WHEEL:
        _wheel(v, p[0], p[1], p[2], colour)
    else:
        _box(v, part - BOX, p[0], p[1], p[2], colour)
