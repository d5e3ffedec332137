"""Head lamps and tail lamps of a road vehicle."""

import numpy as np

from train.data.road_vehicles.kinds import (
    BAR_TAILS,
    BLADE_LAMPS,
    BOX_LAMPS,
    BOX_TAILS,
    ROUND_LAMPS,
    ROUND_TAILS,
    SLIT_LAMPS,
    TWIN_TAILS,
    UPRIGHT_TAILS,
    VAN,
    WRAPPED_TAILS,
)
from train.data.road_vehicles.outline import SHOULDER
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import put

_NONE, _GLASS, _CORE = range(3)  # outside the lamp, its dim part, its bright part


@kernel
def _zone(inside: bool, core: bool) -> int:
    if not inside:
        return _NONE
    return _CORE if core else _GLASS


@kernel
def _face_lamp(vehicle: np.record, side: float, y: float, back: float) -> int:
    """Zone of a round lamp, a box or a slit, all in the face; side: distance from the mid plane."""
    aside = side - vehicle.lamp_x * vehicle.half_width
    above = y - (vehicle.ride + vehicle.lamp_y * (vehicle.nose - vehicle.ride))
    across, up = aside / (0.8 * vehicle.lamp_w), above / vehicle.lamp_h
    if vehicle.lamps == ROUND_LAMPS:
        inside = back < 0.30 and aside**2 + above**2 < (0.95 * vehicle.lamp_h) ** 2
        return _zone(inside, up * up + across * across < 0.25)
    if vehicle.lamps == BOX_LAMPS:
        return _zone(back < 0.25 and abs(across) < 1.0 and abs(up) < 0.7, abs(across) < 0.5)
    return _zone(back < 0.30 and abs(across) < 1.3 and abs(up) < 0.28, abs(up) < 0.12)


@kernel
def _wing_lamp(vehicle: np.record, shoulder: float, side: float, y: float, back: float) -> int:
    """Zone of a lamp swept back over the wing: a blade, or an oval on top of it."""
    along, across = (back - 0.04) / vehicle.lamp_sweep, side / vehicle.half_width
    if vehicle.lamps == BLADE_LAMPS:
        middle = 0.66 + 0.22 * along
        narrow = abs(across - middle) < 0.11 * (1.0 - along) + 0.025
        return _zone(0.0 < along < 1.0 and narrow and y > 0.6 * shoulder, along < 0.45)
    oval = ((along - 0.5) / 0.5) ** 2 + ((across - 0.76) / 0.12) ** 2
    core = ((along - 0.4) / 0.25) ** 2 + ((across - 0.76) / 0.06) ** 2
    return _zone(oval < 1.0 and y > 0.7 * shoulder, core < 1.0)


@kernel
def head_lamp(
    vehicle: np.record, line: np.ndarray, x: float, y: float, back: float, colour: np.ndarray
) -> bool:
    """Whether (x, y), `back` behind the front end, is a head lamp; writes it."""
    if vehicle.lamps in (ROUND_LAMPS, BOX_LAMPS, SLIT_LAMPS):
        zone = _face_lamp(vehicle, abs(x), y, back)
    else:
        zone = _wing_lamp(vehicle, line[SHOULDER], abs(x), y, back)
    if zone == _NONE:
        return False
    put(colour, vehicle.lamp, 1.0)
    if zone == _GLASS:
        for channel in range(3):
            colour[channel] = 0.12 + 0.45 * colour[channel]
    return True


@kernel
def _round_tail(vehicle: np.record, aside: float, above: float) -> int:
    """Zone of a round tail lamp, with a dim one beside it on some."""
    radius = 0.8 * vehicle.tail_h
    distance = aside * aside + above * above
    if distance < radius * radius:
        return _zone(True, distance < 0.2 * radius * radius)
    aside += 2.3 * radius
    beside = aside * aside + above * above < radius * radius
    return _zone(vehicle.tails == TWIN_TAILS and beside, False)


@kernel
def _tail_zone(vehicle: np.record, side: float, y: float) -> int:
    """Zone of the tail lamps at height y; side: distance from the mid plane."""
    wide, tall = vehicle.half_width, vehicle.tail_h
    aside = side - vehicle.tail_x * wide
    above = y - vehicle.ride - vehicle.tail_y * (vehicle.deck - vehicle.ride)
    if vehicle.tails in (ROUND_TAILS, TWIN_TAILS):
        return _round_tail(vehicle, aside, above)
    if vehicle.tails == BOX_TAILS:
        inside = abs(aside) < 0.5 * vehicle.tail_w and abs(above) < 0.45 * tall
        return _zone(inside, above > 0.2 * tall)
    if vehicle.tails == UPRIGHT_TAILS:
        tall *= 2.2 if vehicle.kind >= VAN else 1.5
        return _zone(side > 0.84 * wide and abs(above) < tall, abs(above) < 0.25 * tall)
    if vehicle.tails == BAR_TAILS:
        bar = side < 0.9 * wide and abs(above) < 0.28 * tall
        box = abs(aside) < 0.5 * vehicle.tail_w and abs(above) < 0.5 * tall
        return _zone(bar or box, side < 0.5 * wide)
    inside = side > (0.9 - vehicle.tail_w) * wide and abs(above) < 0.5 * tall
    return _zone(inside, above > 0.0)


@kernel
def tail_lamp(vehicle: np.record, x: float, y: float, ahead: float, colour: np.ndarray) -> bool:
    """Whether (x, y), `ahead` of the rear end, is a tail lamp; writes it."""
    if ahead > (0.20 if vehicle.tails == WRAPPED_TAILS else 0.12):
        return False
    zone = _tail_zone(vehicle, abs(x), y)
    if zone == _NONE:
        return False
    put(colour, vehicle.tail_lamp, 0.9)
    if zone == _CORE:
        for channel in range(3):
            colour[channel] = min(1.0, 0.15 + 1.25 * colour[channel])
    return True
