"""What a road vehicle is: its kind, proportions, details and colours, from one random stream.

Unit: half a car's length, about 2.2 m; lorries and buses are scaled down to about a car's length.
Frame: +z front, y up, x = 0 the mirror plane. In a vehicle's own parameters y = 0 is the road and
z = 0 the middle of its length.
"""

import numpy as np

from train.data.road_vehicles import paint
from train.data.vehicles import counter
from train.data.vehicles.counter import kernel

KINDS = (
    "saloon", "hatchback", "wagon", "suv", "off_roader", "coupe", "supercar", "roadster",
    "vintage", "pickup", "van", "box_van", "lorry", "bus",
)  # fmt: skip
(
    SALOON, HATCHBACK, WAGON, SUV, OFF_ROADER, COUPE, SUPERCAR, ROADSTER,
    VINTAGE, PICKUP, VAN, BOX_VAN, LORRY, BUS,
) = range(14)  # fmt: skip
KIND_SHARES = np.array(
    [0.10, 0.10, 0.06, 0.08, 0.05, 0.13, 0.13, 0.08, 0.06, 0.06, 0.06, 0.03, 0.03, 0.03]
)

# Low and high of each proportion, a row for each of KINDS.
# fmt: off
_COLUMNS = (
    "length half_width height ride wheel_radius front_overhang rear_overhang belt_share bonnet "
    "screen_slope tail rear_slope nose_share deck_share roof_share"
).split()
_RANGES = np.array([
    [1.90, 2.15, .38, .43, .62, .68, .07, .10, .140, .160, .36, .44, .40, .50, .60, .66, .55, .68, .26, .38, .20, .40, .26, .44, .70, .92, .95, 1.04, .68, .80],
    [1.60, 1.90, .37, .42, .63, .70, .07, .10, .135, .160, .30, .38, .25, .33, .58, .66, .40, .54, .26, .40, .02, .07, .08, .30, .68, .90, .96, 1.02, .72, .82],
    [1.95, 2.15, .39, .43, .63, .70, .07, .10, .140, .160, .36, .44, .38, .48, .59, .65, .54, .66, .26, .38, .02, .06, .06, .26, .70, .92, .97, 1.03, .72, .82],
    [1.90, 2.15, .41, .45, .75, .84, .10, .14, .160, .190, .34, .42, .33, .44, .60, .67, .50, .62, .20, .34, .02, .06, .08, .24, .78, .95, .97, 1.02, .74, .83],
    [1.70, 2.10, .38, .43, .80, .93, .13, .18, .165, .205, .26, .34, .24, .36, .58, .66, .46, .62, .03, .12, .01, .03, .00, .06, .88, 1.0, .98, 1.01, .84, .93],
    [1.95, 2.15, .42, .46, .55, .61, .05, .08, .148, .168, .38, .47, .36, .46, .62, .70, .68, .90, .32, .46, .06, .30, .40, .70, .54, .80, .96, 1.10, .60, .72],
    [1.95, 2.15, .43, .47, .50, .56, .045, .07, .150, .170, .42, .53, .35, .45, .62, .72, .40, .62, .40, .58, .10, .45, .40, .80, .42, .66, .98, 1.15, .54, .68],
    [1.80, 2.10, .39, .45, .39, .44, .05, .08, .140, .165, .34, .46, .32, .44, .97, .99, .62, .85, .10, .30, .20, .45, .05, .10, .55, .80, .96, 1.06, .70, .80],
    [1.75, 2.20, .34, .41, .60, .72, .08, .12, .140, .165, .30, .42, .36, .50, .60, .68, .55, .78, .12, .26, .10, .48, .20, .55, .72, .95, .90, 1.03, .62, .76],
    [2.10, 2.35, .39, .44, .72, .84, .11, .17, .155, .190, .34, .44, .42, .55, .60, .66, .50, .64, .12, .28, .80, 1.1, .02, .10, .84, .98, .96, 1.00, .74, .84],
    [1.90, 2.30, .37, .43, .82, 1.0, .08, .12, .130, .155, .30, .42, .32, .46, .48, .58, .14, .38, .16, .42, .00, .03, .00, .08, .70, .92, .99, 1.01, .84, .95],
    [2.10, 2.35, .33, .39, .66, .78, .07, .11, .115, .140, .32, .42, .40, .56, .52, .60, .14, .36, .12, .28, 1.2, 1.5, .00, .06, .76, .95, .55, .75, .84, .94],
    [2.10, 2.35, .26, .32, .62, .78, .07, .11, .095, .120, .20, .34, .32, .60, .44, .56, .00, .05, .01, .07, 1.4, 1.8, .00, .04, .90, 1.0, .40, .60, .90, .97],
    [2.10, 2.40, .25, .31, .58, .76, .05, .08, .085, .110, .42, .62, .46, .68, .40, .52, .00, .04, .01, .08, .00, .02, .00, .05, .90, 1.0, .99, 1.01, .92, .98],
], np.float64).reshape(len(KINDS), len(_COLUMNS), 2)
# Roundness of front and rear in plan and height, and of the profile's corners: low, high.
_ROUND = np.array([
    [.10, .22, .08, .18, .03, .06], [.10, .22, .06, .16, .03, .06], [.10, .22, .06, .16, .03, .06],
    [.08, .20, .06, .16, .03, .06], [.02, .06, .02, .05, .01, .03], [.14, .30, .10, .22, .04, .08],
    [.16, .36, .08, .20, .04, .09], [.14, .30, .10, .22, .03, .07], [.12, .28, .14, .32, .03, .08],
    [.05, .14, .02, .06, .02, .04], [.06, .18, .03, .10, .02, .05], [.06, .16, .02, .05, .02, .05],
    [.02, .08, .02, .05, .01, .03], [.02, .10, .02, .10, .01, .03],
], np.float64).reshape(len(KINDS), 3, 2)
# fmt: on

_PROPORTIONS = (
    "length half_width height ride wheel_radius front_overhang rear_overhang belt_share bonnet "
    "screen_slope tail rear_slope nose_share deck_share roof_share nose_round tail_round softness"
).split()
_NUMBERS = (
    "front_axle rear_axle belt nose deck screen_z screen_top_z rear_z rear_top_z roof_width "
    "front_width rear_width flare crown barrel exponent cavity_front cavity_rear cavity_depth "
    "cargo_front cargo_height cargo_width wheel_width screen_height mirror "
    "lamp_x lamp_y lamp_w lamp_h lamp_sweep grille_w grille_h grille_y intake_w intake_h bumper "
    "clear tail_x tail_y tail_w tail_h plate_front plate_rear exhausts spokes hub_share pillar post_one "
    "post_two sill stripe roundel bar wear spoiler scoop"
).split()
_CHOICES = "kind lamps grille tails hub_style glass_frame windows rear_window soft_top seats roof_load front_plate"
_COLOURS = (
    "paint roof_paint lower_paint glass hub plate rear_plate trim lamp tail_lamp second bumper_paint "
    "cargo_paint tyre caliper inside"
)
VEHICLE = np.dtype(
    [(name, np.int32) for name in _CHOICES.split()]
    + [(name, np.float64) for name in (*_PROPORTIONS, *_NUMBERS)]
    + [(name, np.float64, (3,)) for name in _COLOURS.split()]
)
"""One vehicle. Lengths in object units; `*_z` along the vehicle, heights above the road."""


@kernel
def _between(state: np.ndarray, pair: np.ndarray) -> float:
    return counter.uniform(state, pair[0], pair[1])


@kernel
def _sample_proportions(v: np.record, state: np.ndarray) -> None:
    row = _RANGES[v.kind]
    v.length = _between(state, row[0])
    v.half_width = _between(state, row[1])
    v.height = _between(state, row[2])
    v.ride = _between(state, row[3])
    v.wheel_radius = _between(state, row[4])
    v.front_overhang = _between(state, row[5])
    v.rear_overhang = _between(state, row[6])
    v.belt_share = _between(state, row[7])
    v.bonnet = _between(state, row[8])
    v.screen_slope = _between(state, row[9])
    v.tail = _between(state, row[10])
    v.rear_slope = _between(state, row[11])
    v.nose_share = _between(state, row[12])
    v.deck_share = _between(state, row[13])
    v.roof_share = _between(state, row[14])
    round = _ROUND[v.kind]
    v.nose_round = _between(state, round[0])
    v.tail_round = _between(state, round[1])
    v.softness = _between(state, round[2])


@kernel
def _place(v: np.record, state: np.ndarray) -> None:
    """Absolute places from the proportions."""
    half = 0.5 * v.length
    v.front_axle, v.rear_axle = half - v.front_overhang, v.rear_overhang - half
    v.belt = v.height * v.belt_share
    span = v.belt - v.ride
    v.nose, v.deck = v.ride + span * v.nose_share, v.ride + span * v.deck_share
    v.screen_z = half - v.bonnet
    v.screen_top_z = v.screen_z - v.screen_slope
    v.rear_z = v.tail - half
    v.rear_top_z = min(v.rear_z + v.rear_slope, v.screen_top_z - 0.12)
    v.roof_width = v.half_width * v.roof_share
    boxy = v.kind == OFF_ROADER or v.kind >= VAN
    v.front_width = (
        counter.uniform(state, 0.86, 0.97) if boxy else counter.uniform(state, 0.62, 0.86)
    )
    v.rear_width = (
        counter.uniform(state, 0.93, 0.99) if boxy else counter.uniform(state, 0.74, 0.93)
    )
    v.flare = 0.0 if boxy else counter.uniform(state, 0.0, 0.03)
    if v.kind in (COUPE, SUPERCAR, ROADSTER, VINTAGE):
        v.flare = counter.uniform(state, 0.01, 0.055)
    v.crown = counter.uniform(state, -0.02, 0.03) if not boxy else 0.012
    v.barrel = counter.uniform(state, 0.02, 0.10)
    v.exponent = counter.uniform(state, 2.0, 3.4) if not boxy else counter.uniform(state, 3.0, 6.0)
    v.wheel_width = counter.uniform(state, 0.09, 0.13) * (0.8 if v.kind >= BOX_VAN else 1.0)
    v.mirror = counter.uniform(state, 0.028, 0.048) if counter.chance(state, 0.85) else 0.0
    v.spoiler = 0.0
    if v.kind in (COUPE, SUPERCAR, SALOON) and counter.chance(state, 0.2):
        v.spoiler = counter.uniform(state, 0.03, 0.09)


@kernel
def _open_up(v: np.record, state: np.ndarray) -> None:
    """Open cockpit, bed, cargo box, what stands on the roof."""
    half = 0.5 * v.length
    v.cavity_depth, v.cavity_front, v.cavity_rear, v.seats = 0.0, 0.0, 0.0, 0
    v.cargo_height, v.cargo_width, v.cargo_front, v.screen_height = 0.0, 0.0, 0.0, 0.0
    if v.kind == ROADSTER:
        v.cavity_front = v.screen_z - 0.06
        v.cavity_rear = v.rear_z + counter.uniform(state, 0.0, 0.15)
        v.cavity_depth = counter.uniform(state, 0.10, 0.16)
        v.screen_height = counter.uniform(state, 0.12, 0.19)
        v.seats = 2
    elif v.kind == PICKUP:
        v.cavity_front, v.cavity_rear = v.rear_z - 0.03, 0.05 - half
        v.cavity_depth = counter.uniform(state, 0.08, 0.16)
        if counter.chance(state, 0.2):  # a hard cover, or a load
            v.cavity_depth = 0.0
    elif v.kind in (BOX_VAN, LORRY):
        v.cargo_front = v.rear_z - counter.uniform(state, 0.0, 0.04)
        v.cargo_height = v.height * counter.uniform(state, 1.0, 1.35)
        v.cargo_width = v.half_width * counter.uniform(state, 0.97, 1.10)
        if counter.chance(state, 0.2):
            v.cargo_height = v.belt + counter.uniform(state, -0.08, 0.05)  # a flat bed, a low load
    v.roof_load = int(counter.uniform(state, 0.0, 14.0))  # 0 rack, 1 light bar, 2 sign, 3 ladder
    if v.kind in (COUPE, SUPERCAR, ROADSTER) and v.roof_load < 4:
        v.roof_load = 9
    v.soft_top = 1 if v.kind in (COUPE, SUPERCAR, VINTAGE) and counter.chance(state, 0.12) else 0


@kernel
def _sample_face(v: np.record, state: np.ndarray) -> None:
    """Front and rear: lamps, grille, intakes, plates, exhausts."""
    sporty = v.kind in (COUPE, SUPERCAR, ROADSTER)
    v.lamps = int(
        counter.uniform(state, 0.0, 5.0)
    )  # 0 round, 1 box, 2 blade, 3 slit, 4 on the wing
    if v.kind == VINTAGE or v.kind == OFF_ROADER:
        v.lamps = 0 if counter.chance(state, 0.75) else v.lamps
    elif sporty and counter.chance(state, 0.6):
        v.lamps = 2 if counter.chance(state, 0.7) else 4
    v.lamp_x = counter.uniform(state, 0.62, 0.80)  # middle, share of the half width
    v.lamp_y = counter.uniform(state, 0.62, 0.85)  # share of the nose's height
    v.lamp_w, v.lamp_h = counter.uniform(state, 0.10, 0.20), counter.uniform(state, 0.04, 0.085)
    v.lamp_sweep = counter.uniform(state, 0.08, 0.34)
    v.grille = int(
        counter.uniform(state, 0.0, 6.0)
    )  # 0 slats, 1 mesh, 2 kidneys, 3 none, 4 oval, 5 bars
    if sporty:
        v.grille = 4 if counter.chance(state, 0.6) else 3
    v.grille_w, v.grille_h = counter.uniform(state, 0.25, 0.62), counter.uniform(state, 0.10, 0.36)
    v.grille_y = counter.uniform(state, 0.45, 0.78)
    v.intake_w, v.intake_h = counter.uniform(state, 0.0, 0.75), counter.uniform(state, 0.08, 0.26)
    v.bumper = counter.uniform(state, 0.0, 1.0)
    v.tails = int(
        counter.uniform(state, 0.0, 6.0)
    )  # 0 round, 1 two round, 2 box, 3 upright, 4 bar, 5 wrap
    if sporty and counter.chance(state, 0.5):
        v.tails = int(counter.uniform(state, 0.0, 2.0))
    v.tail_x, v.tail_y = counter.uniform(state, 0.60, 0.84), counter.uniform(state, 0.62, 0.86)
    v.tail_w, v.tail_h = counter.uniform(state, 0.08, 0.22), counter.uniform(state, 0.05, 0.12)
    v.front_plate = 1 if counter.chance(state, 0.65) else 0
    v.plate_front = counter.uniform(state, 0.16, 0.36)
    v.plate_rear = counter.uniform(state, 0.25, 0.70)
    v.exhausts = np.floor(counter.uniform(state, 0.0, 5.0))


@kernel
def _sample_sides(v: np.record, state: np.ndarray) -> None:
    """Windows, sills, wheels, stripes."""
    v.pillar = counter.uniform(state, 0.80, 0.90)
    cabin = v.screen_top_z - v.rear_top_z
    v.post_one = v.screen_top_z - cabin * counter.uniform(state, 0.30, 0.55)
    v.post_two = -9.0
    v.windows = 1
    if v.kind in (SALOON, WAGON, SUV, BUS, VAN) and counter.chance(state, 0.8):
        v.post_one = v.screen_top_z - cabin * counter.uniform(state, 0.20, 0.36)
        v.post_two = v.rear_top_z + cabin * counter.uniform(state, 0.10, 0.36)
    if v.kind in (COUPE, SUPERCAR) or v.kind == BOX_VAN or v.kind == LORRY:
        v.post_one = -9.0 if counter.chance(state, 0.6) else v.rear_top_z + 0.05
    if v.kind == VAN and counter.chance(state, 0.5):
        v.windows = 0  # a panel van: glass before the first post only
        v.post_one = v.screen_top_z - counter.uniform(state, 0.18, 0.32)
    v.rear_window = (
        0 if (v.kind == VAN and counter.chance(state, 0.3)) or v.kind in (BOX_VAN, LORRY) else 1
    )
    v.glass_frame = 1 if counter.chance(state, 0.6) else 0
    v.clear = counter.uniform(state, 0.0, 1.0)  # how far one sees through the glass
    v.sill = counter.uniform(state, 0.0, 0.07) if counter.chance(state, 0.6) else 0.0
    v.spokes = np.floor(counter.uniform(state, 4.0, 11.0))
    v.hub_share = counter.uniform(state, 0.62, 0.80)
    v.hub_style = int(counter.uniform(state, 0.0, 4.0))  # 0 spokes, 1 disc, 2 thin spokes, 3 cap
    v.stripe = counter.uniform(state, 0.03, 0.10) if counter.chance(state, 0.10) else 0.0
    v.roundel = counter.uniform(state, 0.06, 0.10) if counter.chance(state, 0.06) else 0.0
    v.bar = counter.uniform(state, 0.03, 0.08) if counter.chance(state, 0.08) else 0.0
    v.scoop = (
        counter.uniform(state, 0.05, 0.14)
        if v.kind == SUPERCAR or counter.chance(state, 0.1)
        else 0.0
    )


@kernel
def sample_vehicle(v: np.record, seed: int, index: int) -> None:
    """Fill one VEHICLE record with the vehicle of (seed, index)."""
    state = counter.stream(seed, index, counter.VEHICLE)
    share = counter.uniform(state, 0.0, 1.0)
    v.kind = len(KIND_SHARES) - 1
    for kind in range(len(KIND_SHARES)):
        share -= KIND_SHARES[kind]
        if share < 0.0:
            v.kind = kind
            break
    _sample_proportions(v, state)
    _place(v, state)
    _open_up(v, state)
    _sample_face(v, state)
    _sample_sides(v, state)
    paint.sample_colours(v, state)
