"""What tells the front of a road vehicle from its rear: lamps, grilles, plates, exhausts."""

import numpy as np

from train.data.road_vehicles.vehicle import BUS, COUPE, LORRY, ROADSTER, SUPERCAR, VAN
from train.data.vehicles.counter import kernel


@kernel
def put(colour: np.ndarray, source: np.ndarray, gloss: float) -> None:
    """Write a colour [3] and its gloss."""
    colour[0], colour[1], colour[2] = source[0], source[1], source[2]
    colour[3] = gloss


@kernel
def black(colour: np.ndarray, value: float, gloss: float) -> None:
    """Write a grey and its gloss."""
    colour[0] = colour[1] = colour[2] = value
    colour[3] = gloss


@kernel
def top(v: np.record, line: np.ndarray, x: float, z: float, colour: np.ndarray) -> None:
    """Bonnet and deck: seams, louvres."""
    half, across = 0.5 * v.length, abs(x) / max(line[4], 1e-6)
    if z > v.screen_z and z < half - 0.5 * v.nose_round:
        if abs(across - 0.74) < 0.012:
            for channel in range(3):
                colour[channel] *= 0.4
        if v.scoop > 0.08 and abs(x) < 0.08 and 0.06 < (z - v.screen_z) < 0.12:
            black(colour, 0.03, 0.0)
    elif z < v.rear_z and v.kind == SUPERCAR and across < 0.6 and (z * 24.0) % 1.0 < 0.4:
        if v.scoop > 0.09:
            black(colour, 0.03, 0.0)


@kernel
def _plate(x: float, y: float, middle: float, source: np.ndarray, colour: np.ndarray) -> bool:
    if abs(x) > 0.115 or abs(y - middle) > 0.028:
        return False
    put(colour, source, 0.1)
    ink = np.sin(170.0 * x + 3.0) + np.sin(97.0 * x)
    if abs(x) < 0.10 and abs(y - middle) < 0.017 and ink > 0.35:
        tone = 0.08 if source[1] > 0.4 else 0.9
        colour[0] = colour[1] = colour[2] = tone
    return True


@kernel
def _head_lamp(
    v: np.record, line: np.ndarray, x: float, y: float, back: float, colour: np.ndarray
) -> bool:
    """Whether (x, y), `back` behind the front, is a head lamp; writes it."""
    side, wide = abs(x), v.half_width
    centre, tall = v.lamp_x * wide, v.ride + v.lamp_y * (v.nose - v.ride)
    across, up = (side - centre) / (0.5 * v.lamp_w * 1.6), (y - tall) / v.lamp_h
    if v.lamps == 0:  # round, in the face
        inside, core = (
            back < 0.30 and (side - centre) ** 2 + (y - tall) ** 2 < (0.95 * v.lamp_h) ** 2,
            up * up + across * across < 0.25,
        )
    elif v.lamps == 1:  # a box
        inside, core = back < 0.25 and abs(across) < 1.0 and abs(up) < 0.7, abs(across) < 0.5
    elif v.lamps == 3:  # a slit
        inside, core = back < 0.30 and abs(across) < 1.3 and abs(up) < 0.28, abs(up) < 0.12
    else:  # swept back over the wing: a blade, or an oval on top of it
        along = (back - 0.04) / v.lamp_sweep
        if v.lamps == 2:
            middle = 0.66 + 0.22 * along
            inside = (
                0.0 < along < 1.0
                and abs(side / wide - middle) < 0.11 * (1.0 - along) + 0.025
                and y > 0.6 * line[2]
            )
            core = along < 0.45
        else:
            inside = ((along - 0.5) / 0.5) ** 2 + (
                (side / wide - 0.76) / 0.12
            ) ** 2 < 1.0 and y > 0.7 * line[2]
            core = ((along - 0.4) / 0.25) ** 2 + ((side / wide - 0.76) / 0.06) ** 2 < 1.0
    if not inside:
        return False
    put(colour, v.lamp, 1.0)
    if not core:
        for channel in range(3):
            colour[channel] = 0.12 + 0.45 * colour[channel]
    return True


@kernel
def _grille(v: np.record, x: float, y: float, colour: np.ndarray) -> bool:
    span = v.nose - v.ride
    across, up = abs(x) / v.half_width, (y - v.ride) / max(span, 1e-6)
    if v.grille != 3:
        middle = v.grille_y if v.grille != 4 else 0.40
        wide, tall = v.grille_w, v.grille_h
        if v.grille == 4:
            if (across / wide) ** 2 + ((up - middle) / (0.7 * tall + 0.08)) ** 2 < 1.0:
                black(colour, 0.02 if (x * 60.0) % 1.0 < 0.7 else 0.08, 0.1)
                return True
        elif v.grille == 2:
            if abs(across - 0.16) < 0.13 and abs(up - middle) < tall:
                black(colour, 0.03 if (x * 70.0) % 1.0 < 0.7 else 0.3, 0.2)
                if abs(across - 0.16) > 0.11 or abs(up - middle) > 0.88 * tall:
                    black(colour, 0.7, 0.8)
                return True
        elif across < wide and abs(up - middle) < tall:
            slats = y * 55.0 if v.grille == 0 else x * 55.0
            bright = 0.45 if v.grille != 1 else 0.05
            black(colour, 0.025 if slats % 1.0 < 0.65 else bright, 0.2)
            if across > 0.95 * wide or abs(up - middle) > 0.9 * tall:
                black(colour, v.bumper_paint[0], 0.7)
            return True
    low = 0.05 < up < 0.05 + v.intake_h
    if low and (across < v.intake_w or (across > 0.55 and across < 0.85 and v.intake_w < 0.4)):
        black(colour, 0.02, 0.0)
        return True
    return False


@kernel
def front(v: np.record, line: np.ndarray, x: float, y: float, z: float, colour: np.ndarray) -> None:
    """Head lamps, grille, plate, bumper."""
    back = 0.5 * v.length - z
    if back > 0.45 or y > max(1.03 * line[2], v.nose):
        if (
            v.kind in (LORRY, BUS)
            and back < 0.2
            and v.windows == 1
            and y > 0.93 * v.height
            and abs(x) < 0.5 * v.half_width
        ):
            black(colour, 0.85, 0.2)  # the destination
        return
    if _head_lamp(v, line, x, y, back, colour):
        return
    if back > 0.55 * v.nose_round + 0.035:
        return
    if v.front_plate == 1 and _plate(
        x, y, v.ride + v.plate_front * (v.nose - v.ride), v.plate, colour
    ):
        return
    if v.bumper < 0.3 and abs(y - v.ride - 0.26 * (v.nose - v.ride)) < 0.035:
        put(colour, v.bumper_paint, 0.6)
        return
    if _grille(v, x, y, colour):
        return
    if x * x + (y - v.ride - 0.80 * (v.nose - v.ride)) ** 2 < 0.014**2:
        black(colour, 0.75, 0.7)
    elif y < v.ride + 0.06 * (v.nose - v.ride):
        put(colour, v.trim, 0.0)


@kernel
def _tail_lamp(v: np.record, x: float, y: float, ahead: float, colour: np.ndarray) -> bool:
    wide, span = v.half_width, v.deck - v.ride
    side, up = abs(x) - v.tail_x * wide, y - v.ride - v.tail_y * span
    inside, inner = False, False
    if v.tails == 0 or v.tails == 1:
        radius = 0.8 * v.tail_h
        distance = side * side + up * up
        inside, inner = distance < radius * radius, distance < 0.2 * radius * radius
        if v.tails == 1 and not inside:
            side += 2.3 * radius
            inside = side * side + up * up < radius * radius
    elif v.tails == 2:
        inside, inner = (
            abs(side) < 0.5 * v.tail_w and abs(up) < 0.45 * v.tail_h,
            up > 0.2 * v.tail_h,
        )
    elif v.tails == 3:
        tall = v.tail_h * (2.2 if v.kind >= VAN else 1.5)
        inside, inner = abs(x) > 0.84 * wide and abs(up) < tall, abs(up) < 0.25 * tall
    elif v.tails == 4:
        inside, inner = abs(x) < 0.9 * wide and abs(up) < 0.28 * v.tail_h, abs(x) < 0.5 * wide
        inside = inside or (abs(side) < 0.5 * v.tail_w and abs(up) < 0.5 * v.tail_h)
    else:
        inside, inner = abs(x) > (0.9 - v.tail_w) * wide and abs(up) < 0.5 * v.tail_h, up > 0.0
    if not inside or ahead > (0.12 if v.tails != 5 else 0.20):
        return False
    put(colour, v.tail_lamp, 0.9)
    if inner:
        for channel in range(3):
            colour[channel] = min(1.0, 0.15 + 1.25 * colour[channel])
    return True


@kernel
def rear(v: np.record, line: np.ndarray, x: float, y: float, z: float, colour: np.ndarray) -> None:
    """Tail lamps, plate, bumper, exhausts, diffuser."""
    ahead = z + 0.5 * v.length
    if ahead > 0.25 or y > 1.02 * line[2] + 0.01:
        return
    if _tail_lamp(v, x, y, ahead, colour):
        return
    if ahead > 0.55 * v.tail_round + 0.03:
        return
    span = v.deck - v.ride
    if _plate(x, y, v.ride + v.plate_rear * span, v.rear_plate, colour):
        return
    sporty = v.kind == COUPE or v.kind == SUPERCAR or v.kind == ROADSTER
    up = (y - v.ride) / max(span, 1e-6)
    for pipe in range(int(v.exhausts)):
        centre = (0.45 if pipe < 2 else 0.58) * v.half_width * (1.0 if pipe % 2 == 0 else -1.0)
        distance = np.sqrt((x - centre) ** 2 + (up * span - 0.10 * span) ** 2)
        if distance < 0.028:
            black(colour, 0.02 if distance < 0.018 else 0.6, 0.5)
            return
    if sporty and up < 0.22 or up < 0.07:
        black(colour, 0.025 if (x * 12.0) % 1.0 < 0.85 else 0.12, 0.1)
    elif v.bumper < 0.3 and abs(up - 0.27) < 0.09:
        put(colour, v.bumper_paint, 0.6)
    elif v.bumper > 0.8 and abs(up - v.tail_y) < 0.10 and abs(x) < 0.5 * v.half_width:
        black(colour, 0.04, 0.2)
    elif abs(up - 0.50) < 0.012 and v.kind != BUS:
        for channel in range(3):
            colour[channel] *= 0.4


@kernel
def rear_box(v: np.record, x: float, y: float, colour: np.ndarray) -> None:
    """The doors of a cargo box: seam, bars, lamps at its foot."""
    if abs(x) < 0.006 or abs(abs(x) - 0.4 * v.cargo_width) < 0.008:
        for channel in range(3):
            colour[channel] *= 0.4
    if y < v.ride + 0.16 * v.height:
        put(colour, v.trim, 0.0)
        if 0.6 < abs(x) / v.cargo_width < 0.95:
            put(colour, v.tail_lamp, 0.4)
