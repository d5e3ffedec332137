"""What a vehicle is: its kind, proportions and colours, sampled from one random stream.

Unit: half a car's length, about 2.2 m. Frame: +z front, y up, x = 0 the mirror plane. In a
vehicle's own parameters y = 0 is the road and z = 0 the middle of its length.
"""

import numpy as np

from train.data.vehicles import counter
from train.data.vehicles.counter import kernel

KINDS = ("saloon", "hatchback", "van", "pickup")
SALOON, HATCHBACK, VAN, PICKUP = range(4)
KIND_SHARES = (0.30, 0.28, 0.20, 0.22)

_NUMBERS = (
    "length half_width height ride wheel_radius wheel_width front_axle rear_axle "
    "belt nose cowl deck cowl_z screen_z screen_top_z rear_z rear_top_z base_width roof_width "
    "pillar rear_pillar post_one post_two bed_front bed_depth lamp_height lamp_size grille "
    "grille_height tail_height tail_size tail_width cladding two_tone_height plate_height spokes"
)
_PAINTS = ("paint", "roof_paint", "lower_paint", "glass", "hub", "plate", "trim", "lamp")
VEHICLE = np.dtype(
    [("kind", np.int32), ("side_windows", np.int32), ("rear_window", np.int32)]
    + [(name, np.float64) for name in _NUMBERS.split()]
    + [(name, np.float64, (3,)) for name in _PAINTS]
)
"""One vehicle. Lengths in object units; `*_z` along the vehicle, heights above the road."""
COLOURS = (*_PAINTS, "two_tone_height")
"""Fields of a VEHICLE that change its colours and leave its shape as it is."""


def _ranges(*low_high: float) -> np.ndarray:
    """[4 kinds, 2] low and high, one pair for each of KINDS."""
    return np.array(low_high, np.float64).reshape(len(KINDS), 2)


# Proportions per kind: saloon, hatchback, van, pickup.
_LENGTH = _ranges(1.80, 1.96, 1.60, 1.78, 1.76, 1.96, 1.84, 1.96)
_HALF_WIDTH = _ranges(0.36, 0.41, 0.36, 0.40, 0.37, 0.42, 0.37, 0.42)
_HEIGHT = _ranges(0.55, 0.63, 0.63, 0.72, 0.80, 0.96, 0.66, 0.77)
_RIDE = _ranges(0.07, 0.095, 0.075, 0.105, 0.08, 0.11, 0.11, 0.16)
_WHEEL = _ranges(0.135, 0.155, 0.130, 0.150, 0.125, 0.145, 0.150, 0.180)
_FRONT_OVERHANG = _ranges(0.33, 0.39, 0.29, 0.34, 0.30, 0.38, 0.32, 0.38)
_REAR_OVERHANG = _ranges(0.36, 0.44, 0.25, 0.30, 0.32, 0.44, 0.40, 0.48)
_BELT = _ranges(0.58, 0.64, 0.55, 0.61, 0.48, 0.55, 0.58, 0.63)
_BONNET = _ranges(0.50, 0.62, 0.36, 0.46, 0.10, 0.26, 0.46, 0.56)
_SCREEN_SLOPE = _ranges(0.20, 0.30, 0.15, 0.26, 0.14, 0.30, 0.12, 0.20)
_NOSE_DROP = _ranges(0.03, 0.09, 0.03, 0.10, 0.03, 0.09, 0.0, 0.04)
_TAIL = _ranges(0.28, 0.42, 0.01, 0.04, 0.005, 0.02, 0.74, 0.98)
_REAR_SLOPE = _ranges(0.20, 0.32, 0.06, 0.24, 0.0, 0.03, 0.02, 0.07)
_ROOF_WIDTH = _ranges(0.72, 0.80, 0.76, 0.84, 0.88, 0.94, 0.76, 0.84)


@kernel
def _pick(state: np.ndarray, ranges: np.ndarray, kind: int) -> float:
    return counter.uniform(state, ranges[kind, 0], ranges[kind, 1])


@kernel
def _sample_body(vehicle: np.record, state: np.ndarray) -> None:
    kind = vehicle.kind
    vehicle.length = _pick(state, _LENGTH, kind)
    vehicle.half_width = _pick(state, _HALF_WIDTH, kind)
    vehicle.height = _pick(state, _HEIGHT, kind)
    vehicle.ride = _pick(state, _RIDE, kind)
    vehicle.wheel_radius = _pick(state, _WHEEL, kind)
    vehicle.wheel_width = counter.uniform(state, 0.09, 0.12)
    half = 0.5 * vehicle.length
    vehicle.front_axle = half - _pick(state, _FRONT_OVERHANG, kind)
    vehicle.rear_axle = _pick(state, _REAR_OVERHANG, kind) - half
    vehicle.belt = vehicle.height * _pick(state, _BELT, kind)
    vehicle.cowl = vehicle.belt - counter.uniform(state, 0.0, 0.02)
    vehicle.nose = vehicle.cowl - _pick(state, _NOSE_DROP, kind)
    vehicle.deck = vehicle.belt - counter.uniform(state, 0.0, 0.03)
    vehicle.cowl_z = half - _pick(state, _BONNET, kind)
    vehicle.screen_z = vehicle.cowl_z + 0.03
    vehicle.screen_top_z = vehicle.screen_z - _pick(state, _SCREEN_SLOPE, kind)
    vehicle.rear_z = _pick(state, _TAIL, kind) - half
    vehicle.rear_top_z = vehicle.rear_z + _pick(state, _REAR_SLOPE, kind)
    vehicle.base_width = vehicle.half_width * (0.975 if kind == VAN else 0.93)
    vehicle.roof_width = vehicle.half_width * _pick(state, _ROOF_WIDTH, kind)
    vehicle.bed_front = vehicle.rear_z - 0.03
    vehicle.bed_depth = counter.uniform(state, 0.10, 0.15) if kind == PICKUP else 0.0


@kernel
def _sample_details(vehicle: np.record, state: np.ndarray) -> None:
    kind = vehicle.kind
    vehicle.pillar = counter.uniform(state, 0.035, 0.06)
    vehicle.rear_pillar = counter.uniform(state, 0.05, 0.12)
    cabin = vehicle.screen_top_z - vehicle.rear_top_z
    vehicle.post_one = vehicle.screen_top_z - cabin * counter.uniform(state, 0.36, 0.46)
    vehicle.post_two = -9.0
    vehicle.side_windows = 2
    vehicle.rear_window = 1
    if kind == VAN:
        panel = counter.chance(state, 0.6)
        vehicle.side_windows = 1 if panel else 3
        vehicle.rear_window = 0 if panel and counter.chance(state, 0.4) else 1
        vehicle.post_one = vehicle.screen_top_z - counter.uniform(state, 0.26, 0.36)
        vehicle.post_two = 0.5 * (vehicle.post_one + vehicle.rear_top_z)
    elif kind == PICKUP and cabin < 0.5:
        vehicle.side_windows = 1
        vehicle.post_one = -9.0
    vehicle.lamp_height = counter.uniform(state, 0.055, 0.10)
    vehicle.lamp_size = counter.uniform(state, 0.055, 0.085)
    vehicle.grille = counter.uniform(state, 0.30, 0.62)
    vehicle.grille_height = counter.uniform(state, 0.05, 0.12)
    vehicle.tail_height = counter.uniform(state, 0.06, 0.11)
    vehicle.tail_size = counter.uniform(state, 0.06, 0.10) * (1.6 if kind == VAN else 1.0)
    vehicle.tail_width = counter.uniform(state, 0.25, 0.42) * (0.7 if kind >= VAN else 1.0)
    vehicle.cladding = counter.uniform(state, 0.01, 0.07)
    vehicle.plate_height = counter.uniform(state, 0.08, 0.13)
    vehicle.spokes = np.floor(counter.uniform(state, 4.0, 8.0))


@kernel
def _sample_paint(state: np.ndarray, colour: np.ndarray) -> None:
    # Two in five neutral: white, silver, grey, black; the rest over all hues.
    if counter.chance(state, 0.4):
        value = counter.uniform(state, 0.10, 0.97)
        tint = counter.uniform(state, 0.0, 0.06)
        counter.hue_colour(counter.uniform(state, 0.0, 1.0), tint, value, colour)
    else:
        saturation = counter.uniform(state, 0.55, 0.95)
        value = counter.uniform(state, 0.35, 0.95)
        counter.hue_colour(counter.uniform(state, 0.0, 1.0), saturation, value, colour)


@kernel
def _sample_colours(vehicle: np.record, state: np.ndarray) -> None:
    _sample_paint(state, vehicle.paint)
    vehicle.roof_paint[:] = vehicle.paint
    vehicle.lower_paint[:] = vehicle.paint
    vehicle.two_tone_height = 0.0
    two_tone = counter.uniform(state, 0.0, 1.0)
    if two_tone < 0.16:
        _sample_paint(state, vehicle.roof_paint)
    elif two_tone < 0.28:
        _sample_paint(state, vehicle.lower_paint)
        vehicle.two_tone_height = vehicle.ride + counter.uniform(state, 0.10, 0.18)
    shade = counter.uniform(state, 0.10, 0.24)
    counter.hue_colour(counter.uniform(state, 0.54, 0.64), 0.4, shade, vehicle.glass)
    vehicle.hub[:] = counter.uniform(state, 0.55, 0.85)
    vehicle.trim[:] = counter.uniform(state, 0.06, 0.16)
    vehicle.plate[:] = 0.93
    if counter.chance(state, 0.35):
        vehicle.plate[0], vehicle.plate[1], vehicle.plate[2] = 0.95, 0.80, 0.20
    vehicle.lamp[0], vehicle.lamp[1] = 1.0, 0.98
    vehicle.lamp[2] = counter.uniform(state, 0.70, 0.98)


@kernel
def sample_vehicle(vehicle: np.record, seed: int, index: int) -> None:
    """Fill one VEHICLE record with the vehicle of (seed, index)."""
    state = counter.stream(seed, index, counter.VEHICLE)
    share = counter.uniform(state, 0.0, 1.0)
    vehicle.kind = SALOON
    for kind in range(3):
        share -= KIND_SHARES[kind]
        if share >= 0.0:
            vehicle.kind = kind + 1
        else:
            break
    _sample_body(vehicle, state)
    _sample_details(vehicle, state)
    _sample_colours(vehicle, state)
