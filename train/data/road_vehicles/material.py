"""Colour and gloss of every point of a road vehicle's surface, as a function of its position.

Positions are in the vehicle's own frame (road at y = 0); `colour` [5] receives RGB 0..1, gloss (how
mirror-like, 0..1) and glass (1 where one looks through). Lamps that are on are brighter than 1.
"""

import numpy as np

from train.data.road_vehicles import ends
from train.data.road_vehicles.box_colours import box_colour
from train.data.road_vehicles.flanks import flank
from train.data.road_vehicles.kinds import PICKUP
from train.data.road_vehicles.outline import (
    BOTTOM,
    CABIN,
    SHOULDER,
    STATIONS,
    WIDTH,
    Z,
    shoulder_edge,
)
from train.data.road_vehicles.shape import BOX, HULL, WHEEL
from train.data.road_vehicles.wheels import wheel
from train.data.road_vehicles.windows import cabin
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import grey, put


@kernel
def _line_at(table: np.ndarray, z: float, line: np.ndarray) -> None:
    """Write the hull's lines [LINES] at z."""
    low, high = 0, STATIONS - 1  # stations run to the rear
    while high - low > 1:
        middle = (low + high) // 2
        if table[middle, Z] >= z:
            low = middle
        else:
            high = middle
    share = (table[low, Z] - z) / max(table[low, Z] - table[high, Z], 1e-9)
    share = min(max(share, 0.0), 1.0)
    for column in range(len(line)):
        line[column] = table[low, column] + share * (table[high, column] - table[low, column])


@kernel
def _in_cavity(vehicle: np.record, line: np.ndarray, position: np.ndarray) -> bool:
    """Whether the point is inside an open cockpit or bed."""
    if vehicle.cavity_depth == 0.0 or position[1] >= line[SHOULDER] - 0.015:
        return False
    if not vehicle.cavity_rear < position[2] < vehicle.cavity_front:
        return False
    return abs(position[0]) < 0.93 * shoulder_edge(vehicle, line[WIDTH])


@kernel
def _stripes(vehicle: np.record, x: float, y: float, colour: np.ndarray) -> None:
    """Two stripes from end to end, over paint only."""
    if vehicle.stripe == 0.0 or colour[4] != 0.0 or colour[3] != 1.0:
        return
    if abs(abs(x) - 1.3 * vehicle.stripe) < vehicle.stripe and y > 0.55 * vehicle.belt:
        put(colour, vehicle.second, 1.0)


@kernel
def _hull(
    vehicle: np.record, table: np.ndarray, position: np.ndarray, line: np.ndarray,
    colour: np.ndarray,
) -> None:  # fmt: skip
    x, y, z = position[0], position[1], position[2]
    _line_at(table, z, line)
    put(colour, vehicle.lower_paint if y < 0.55 * vehicle.belt else vehicle.paint, 1.0)
    if y < line[BOTTOM] + 0.01:
        grey(colour, 0.03, 0.0)
        return
    if _in_cavity(vehicle, line, position):
        put(colour, vehicle.trim if vehicle.kind == PICKUP else vehicle.inside, 0.0)
        return
    if line[CABIN] > 0.03 and y > line[SHOULDER] + 0.004:
        cabin(vehicle, line, x, y, z, colour)
    elif abs(x) > 0.80 * line[WIDTH] and y < line[SHOULDER] + 0.002:
        flank(vehicle, line, y, z, colour)
    elif y > 0.8 * line[SHOULDER]:
        ends.top(vehicle, line, x, z, colour)
    if z > 0.0:
        ends.front(vehicle, line, x, y, z, colour)
    else:
        ends.rear(vehicle, line, x, y, z, colour)
    _stripes(vehicle, x, y, colour)


@kernel
def surface(
    vehicle: np.record, table: np.ndarray, part: int, position: np.ndarray, line: np.ndarray,
    colour: np.ndarray,
) -> None:  # fmt: skip
    """Write RGB, gloss and glass of the part's point `position` [3] into colour [5].

    table: the hull's lines as `shape` wrote them. line: scratch [LINES].
    """
    colour[4] = 0.0
    if part == HULL:
        _hull(vehicle, table, position, line, colour)
    elif part == WHEEL:
        wheel(vehicle, position[0], position[1], position[2], colour)
    else:
        box_colour(vehicle, part - BOX, position[0], position[1], position[2], colour)
