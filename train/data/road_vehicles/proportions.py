"""Proportions of road vehicles, kind by kind, and the places that follow from them."""

import numpy as np

from train.data.road_vehicles.kinds import (
    BOX_VAN,
    COUPE,
    KINDS,
    OFF_ROADER,
    ROADSTER,
    SALOON,
    SUPERCAR,
    VAN,
    VINTAGE,
)
from train.data.vehicles import counter
from train.data.vehicles.counter import kernel

PROPORTIONS = (
    "length half_width height ride wheel_radius front_overhang rear_overhang belt_share bonnet "
    "screen_slope tail rear_slope nose_share deck_share roof_share nose_round tail_round softness"
).split()
"""Lengths in object units, but for shares: of the height (belt), of the height from the lower edge
to the belt (nose, deck), of the half width (roof)."""

# fmt: off
# Low and high of each of PROPORTIONS but the last three, a row for each of KINDS.
_RANGES = np.array([
    # saloon
    [1.90, 2.15, .38, .43, .62, .68, .07, .10, .140, .160, .36, .44, .40, .50, .60, .66,
     .55, .68, .26, .38, .20, .40, .26, .44, .70, .92, .95, 1.04, .68, .80],
    # hatchback
    [1.60, 1.90, .37, .42, .63, .70, .07, .10, .135, .160, .30, .38, .25, .33, .58, .66,
     .40, .54, .26, .40, .02, .07, .08, .30, .68, .90, .96, 1.02, .72, .82],
    # wagon
    [1.95, 2.15, .39, .43, .63, .70, .07, .10, .140, .160, .36, .44, .38, .48, .59, .65,
     .54, .66, .26, .38, .02, .06, .06, .26, .70, .92, .97, 1.03, .72, .82],
    # suv
    [1.90, 2.15, .41, .45, .75, .84, .10, .14, .160, .190, .34, .42, .33, .44, .60, .67,
     .50, .62, .20, .34, .02, .06, .08, .24, .78, .95, .97, 1.02, .74, .83],
    # off_roader
    [1.70, 2.10, .38, .43, .80, .93, .13, .18, .165, .205, .26, .34, .24, .36, .58, .66,
     .46, .62, .03, .12, .01, .03, .00, .06, .88, 1.0, .98, 1.01, .84, .93],
    # coupe
    [1.95, 2.15, .42, .46, .55, .61, .05, .08, .148, .168, .38, .47, .36, .46, .62, .70,
     .68, .90, .32, .46, .06, .30, .40, .70, .54, .80, .96, 1.10, .60, .72],
    # supercar
    [1.95, 2.15, .43, .47, .50, .56, .045, .07, .150, .170, .42, .53, .35, .45, .62, .72,
     .40, .62, .40, .58, .10, .45, .40, .80, .42, .66, .98, 1.15, .54, .68],
    # roadster
    [1.80, 2.10, .39, .45, .39, .44, .05, .08, .140, .165, .34, .46, .32, .44, .97, .99,
     .62, .85, .10, .30, .20, .45, .05, .10, .55, .80, .96, 1.06, .70, .80],
    # vintage
    [1.75, 2.20, .34, .41, .60, .72, .08, .12, .140, .165, .30, .42, .36, .50, .60, .68,
     .55, .78, .12, .26, .10, .48, .20, .55, .72, .95, .90, 1.03, .62, .76],
    # pickup
    [2.10, 2.35, .39, .44, .72, .84, .11, .17, .155, .190, .34, .44, .42, .55, .60, .66,
     .50, .64, .12, .28, .80, 1.1, .02, .10, .84, .98, .96, 1.00, .74, .84],
    # van
    [1.90, 2.30, .37, .43, .82, 1.0, .08, .12, .130, .155, .30, .42, .32, .46, .48, .58,
     .14, .38, .16, .42, .00, .03, .00, .08, .70, .92, .99, 1.01, .84, .95],
    # box_van
    [2.10, 2.35, .33, .39, .66, .78, .07, .11, .115, .140, .32, .42, .40, .56, .52, .60,
     .14, .36, .12, .28, 1.2, 1.5, .00, .06, .76, .95, .55, .75, .84, .94],
    # lorry
    [2.10, 2.35, .26, .32, .62, .78, .07, .11, .095, .120, .20, .34, .32, .60, .44, .56,
     .00, .05, .01, .07, 1.4, 1.8, .00, .04, .90, 1.0, .40, .60, .90, .97],
    # bus
    [2.10, 2.40, .25, .31, .58, .76, .05, .08, .085, .110, .42, .62, .46, .68, .40, .52,
     .00, .04, .01, .08, .00, .02, .00, .05, .90, 1.0, .99, 1.01, .92, .98],
], np.float64).reshape(len(KINDS), len(PROPORTIONS) - 3, 2)
# The last three: roundness of front and rear in plan and height, and of the profile's corners.
_ROUNDNESS = np.array([
    [.10, .22, .08, .18, .03, .06],  # saloon
    [.10, .22, .06, .16, .03, .06],  # hatchback
    [.10, .22, .06, .16, .03, .06],  # wagon
    [.08, .20, .06, .16, .03, .06],  # suv
    [.02, .06, .02, .05, .01, .03],  # off_roader
    [.14, .30, .10, .22, .04, .08],  # coupe
    [.16, .36, .08, .20, .04, .09],  # supercar
    [.14, .30, .10, .22, .03, .07],  # roadster
    [.12, .28, .14, .32, .03, .08],  # vintage
    [.05, .14, .02, .06, .02, .04],  # pickup
    [.06, .18, .03, .10, .02, .05],  # van
    [.06, .16, .02, .05, .02, .05],  # box_van
    [.02, .08, .02, .05, .01, .03],  # lorry
    [.02, .10, .02, .10, .01, .03],  # bus
], np.float64).reshape(len(KINDS), 3, 2)
# fmt: on


@kernel
def _between(state: np.ndarray, pair: np.ndarray) -> float:
    return counter.uniform(state, pair[0], pair[1])


@kernel
def sample_proportions(vehicle: np.record, state: np.ndarray) -> None:
    """Fill PROPORTIONS by the vehicle's kind."""
    row = _RANGES[vehicle.kind]
    vehicle.length = _between(state, row[0])
    vehicle.half_width = _between(state, row[1])
    vehicle.height = _between(state, row[2])
    vehicle.ride = _between(state, row[3])
    vehicle.wheel_radius = _between(state, row[4])
    vehicle.front_overhang = _between(state, row[5])
    vehicle.rear_overhang = _between(state, row[6])
    vehicle.belt_share = _between(state, row[7])
    vehicle.bonnet = _between(state, row[8])
    vehicle.screen_slope = _between(state, row[9])
    vehicle.tail = _between(state, row[10])
    vehicle.rear_slope = _between(state, row[11])
    vehicle.nose_share = _between(state, row[12])
    vehicle.deck_share = _between(state, row[13])
    vehicle.roof_share = _between(state, row[14])
    roundness = _ROUNDNESS[vehicle.kind]
    vehicle.nose_round = _between(state, roundness[0])
    vehicle.tail_round = _between(state, roundness[1])
    vehicle.softness = _between(state, roundness[2])


@kernel
def _sample_shell(vehicle: np.record, state: np.ndarray) -> None:
    """How the hull narrows, bulges and is rounded; shares but for flare and crown."""
    if vehicle.kind == OFF_ROADER or vehicle.kind >= VAN:
        vehicle.front_width = counter.uniform(state, 0.86, 0.97)
        vehicle.rear_width = counter.uniform(state, 0.93, 0.99)
        vehicle.flare, vehicle.crown = 0.0, 0.012
        vehicle.barrel = counter.uniform(state, 0.02, 0.10)
        vehicle.exponent = counter.uniform(state, 3.0, 6.0)
        return
    vehicle.front_width = counter.uniform(state, 0.62, 0.86)
    vehicle.rear_width = counter.uniform(state, 0.74, 0.93)
    vehicle.flare = counter.uniform(state, 0.0, 0.03)
    if vehicle.kind in (COUPE, SUPERCAR, ROADSTER, VINTAGE):
        vehicle.flare = counter.uniform(state, 0.01, 0.055)
    vehicle.crown = counter.uniform(state, -0.02, 0.03)
    vehicle.barrel = counter.uniform(state, 0.02, 0.10)
    vehicle.exponent = counter.uniform(state, 2.0, 3.4)


@kernel
def place(vehicle: np.record, state: np.ndarray) -> None:
    """Fill the absolute places that follow from the proportions, and the shape of the shell."""
    half = 0.5 * vehicle.length
    vehicle.front_axle = half - vehicle.front_overhang
    vehicle.rear_axle = vehicle.rear_overhang - half
    vehicle.belt = vehicle.height * vehicle.belt_share
    span = vehicle.belt - vehicle.ride
    vehicle.nose = vehicle.ride + span * vehicle.nose_share
    vehicle.deck = vehicle.ride + span * vehicle.deck_share
    vehicle.screen_z = half - vehicle.bonnet
    vehicle.screen_top_z = vehicle.screen_z - vehicle.screen_slope
    vehicle.rear_z = vehicle.tail - half
    vehicle.rear_top_z = min(vehicle.rear_z + vehicle.rear_slope, vehicle.screen_top_z - 0.12)
    vehicle.roof_width = vehicle.half_width * vehicle.roof_share
    _sample_shell(vehicle, state)
    vehicle.wheel_width = counter.uniform(state, 0.09, 0.13)
    vehicle.wheel_width *= 0.8 if vehicle.kind >= BOX_VAN else 1.0
    vehicle.mirror = 0.0
    if counter.chance(state, 0.85):
        vehicle.mirror = counter.uniform(state, 0.028, 0.048)
    vehicle.spoiler = 0.0
    if vehicle.kind in (COUPE, SUPERCAR, SALOON) and counter.chance(state, 0.2):
        vehicle.spoiler = counter.uniform(state, 0.03, 0.09)
