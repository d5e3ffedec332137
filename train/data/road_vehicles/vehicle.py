"""What a road vehicle is: its kind, proportions, details and colours, from one random stream.

Unit: half a car's length, about 2.2 m; lorries and buses are scaled down to about a car's length.
Frame: +z front, y up, x = 0 the mirror plane. In a vehicle's own parameters y = 0 is the road and
z = 0 the middle of its length.
"""

import numpy as np

from train.data.road_vehicles import details, paint, proportions
from train.data.road_vehicles.proportions import PROPORTIONS
from train.data.vehicles import counter
from train.data.vehicles.counter import kernel

SHARES = np.array(
    [0.10, 0.10, 0.06, 0.08, 0.05, 0.13, 0.13, 0.08, 0.06, 0.06, 0.06, 0.03, 0.03, 0.03]
)
"""How often each of KINDS comes; together 1."""
_CHOICES = (
    "kind lamps grille tails hub_style glass_frame windows rear_window soft_top seats roof_load "
    "front_plate"
)
_NUMBERS = (
    "front_axle rear_axle belt nose deck screen_z screen_top_z rear_z rear_top_z roof_width "
    "front_width rear_width flare crown barrel exponent cavity_front cavity_rear cavity_depth "
    "cargo_front cargo_height cargo_width wheel_width screen_height mirror "
    "lamp_x lamp_y lamp_w lamp_h lamp_sweep grille_w grille_h grille_y intake_w intake_h bumper "
    "clear tail_x tail_y tail_w tail_h plate_front plate_rear exhausts spokes hub_share pillar "
    "post_one post_two sill stripe roundel bar spoiler scoop"
)
_COLOURS = (
    "paint roof_paint lower_paint glass hub plate rear_plate trim lamp tail_lamp second "
    "bumper_paint cargo_paint tyre caliper inside"
)
VEHICLE = np.dtype(
    [(name, np.int32) for name in _CHOICES.split()]
    + [(name, np.float64) for name in (*PROPORTIONS, *_NUMBERS.split())]
    + [(name, np.float64, (3,)) for name in _COLOURS.split()]
)
"""One vehicle. Lengths in object units; `*_z` along the vehicle, heights above the road. Sizes of
what it lacks are 0. For its choices see `kinds`; for how its details are sampled, `details`."""


@kernel
def sample_vehicle(vehicle: np.record, seed: int, index: int) -> None:
    """Fill one VEHICLE record with the vehicle of (seed, index)."""
    state = counter.stream(seed, index, counter.VEHICLE)
    share = counter.uniform(state, 0.0, 1.0)
    vehicle.kind = len(SHARES) - 1
    for kind in range(len(SHARES)):
        share -= SHARES[kind]
        if share < 0.0:
            vehicle.kind = kind
            break
    proportions.sample_proportions(vehicle, state)
    proportions.place(vehicle, state)
    details.sample_loads(vehicle, state)
    details.sample_front(vehicle, state)
    details.sample_rear(vehicle, state)
    details.sample_windows(vehicle, state)
    details.sample_sides(vehicle, state)
    paint.sample_colours(vehicle, state)
