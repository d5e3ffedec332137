"""Details of road vehicles: cavities, cargo, roof loads, faces, windows, wheels, stripes.

Sizes are in object units where nothing else is said. What a vehicle lacks has size 0.
"""

import numpy as np

from train.data.road_vehicles.kinds import (
    BLADE_LAMPS,
    BOX_VAN,
    BUS,
    COUPE,
    GRILLES,
    HUBS,
    LAMPS,
    LORRY,
    NO_GRILLE,
    NO_LOAD,
    NO_POST,
    OFF_ROADER,
    OVAL,
    PICKUP,
    ROADSTER,
    ROUND_LAMPS,
    SALOON,
    SUPERCAR,
    SUV,
    TAILS,
    TWIN_TAILS,
    VAN,
    VINTAGE,
    WAGON,
    WING_LAMPS,
)
from train.data.vehicles import counter
from train.data.vehicles.counter import kernel


@kernel
def _choose(state: np.ndarray, count: int) -> int:
    """One of 0..count - 1, all alike."""
    return int(counter.uniform(state, 0.0, float(count)))


@kernel
def _sometimes(state: np.ndarray, probability: float, low: float, high: float) -> float:
    """A size in low..high with the given probability, else 0."""
    return counter.uniform(state, low, high) if counter.chance(state, probability) else 0.0


@kernel
def _open_cockpit(vehicle: np.record, state: np.ndarray) -> None:
    vehicle.cavity_front = vehicle.screen_z - 0.06
    vehicle.cavity_rear = vehicle.rear_z + counter.uniform(state, 0.0, 0.15)
    vehicle.cavity_depth = counter.uniform(state, 0.10, 0.16)
    vehicle.screen_height = counter.uniform(state, 0.12, 0.19)
    vehicle.seats = 2


@kernel
def _open_bed(vehicle: np.record, state: np.ndarray) -> None:
    vehicle.cavity_front = vehicle.rear_z - 0.03
    vehicle.cavity_rear = 0.05 - 0.5 * vehicle.length
    vehicle.cavity_depth = counter.uniform(state, 0.08, 0.16)
    if counter.chance(state, 0.2):  # a hard cover, or a load
        vehicle.cavity_depth = 0.0


@kernel
def _load_cargo(vehicle: np.record, state: np.ndarray) -> None:
    vehicle.cargo_front = vehicle.rear_z - counter.uniform(state, 0.0, 0.04)
    vehicle.cargo_height = vehicle.height * counter.uniform(state, 1.0, 1.35)
    vehicle.cargo_width = vehicle.half_width * counter.uniform(state, 0.97, 1.10)
    if counter.chance(state, 0.2):  # a flat bed, a low load
        vehicle.cargo_height = vehicle.belt + counter.uniform(state, -0.08, 0.05)


@kernel
def sample_loads(vehicle: np.record, state: np.ndarray) -> None:
    """Fill what is open, what is carried, what stands on the roof, what the roof is."""
    vehicle.cavity_depth = vehicle.cavity_front = vehicle.cavity_rear = 0.0
    vehicle.cargo_height = vehicle.cargo_width = vehicle.cargo_front = 0.0
    vehicle.screen_height, vehicle.seats = 0.0, 0
    if vehicle.kind == ROADSTER:
        _open_cockpit(vehicle, state)
    elif vehicle.kind == PICKUP:
        _open_bed(vehicle, state)
    elif vehicle.kind in (BOX_VAN, LORRY):
        _load_cargo(vehicle, state)
    vehicle.roof_load = min(_choose(state, 14), NO_LOAD)  # ten of fourteen carry nothing
    if vehicle.kind in (COUPE, SUPERCAR, ROADSTER):
        vehicle.roof_load = NO_LOAD
    vehicle.soft_top = 0
    if vehicle.kind in (COUPE, SUPERCAR, VINTAGE) and counter.chance(state, 0.12):
        vehicle.soft_top = 1


@kernel
def sample_front(vehicle: np.record, state: np.ndarray) -> None:
    """Fill head lamps, grille, intakes, bumper."""
    sporty = vehicle.kind in (COUPE, SUPERCAR, ROADSTER)
    vehicle.lamps = _choose(state, LAMPS)
    if vehicle.kind in (VINTAGE, OFF_ROADER):
        if counter.chance(state, 0.75):
            vehicle.lamps = ROUND_LAMPS
    elif sporty and counter.chance(state, 0.6):
        vehicle.lamps = BLADE_LAMPS if counter.chance(state, 0.7) else WING_LAMPS
    vehicle.lamp_x = counter.uniform(state, 0.62, 0.80)  # middle, share of the half width
    vehicle.lamp_y = counter.uniform(state, 0.62, 0.85)  # share of the nose's height
    vehicle.lamp_w = counter.uniform(state, 0.10, 0.20)
    vehicle.lamp_h = counter.uniform(state, 0.04, 0.085)
    vehicle.lamp_sweep = counter.uniform(state, 0.08, 0.34)
    vehicle.grille = _choose(state, GRILLES)
    if sporty:
        vehicle.grille = OVAL if counter.chance(state, 0.6) else NO_GRILLE
    # Shares of the half width and of the nose's height.
    vehicle.grille_w = counter.uniform(state, 0.25, 0.62)
    vehicle.grille_h = counter.uniform(state, 0.10, 0.36)
    vehicle.grille_y = counter.uniform(state, 0.45, 0.78)
    vehicle.intake_w = counter.uniform(state, 0.0, 0.75)
    vehicle.intake_h = counter.uniform(state, 0.08, 0.26)
    vehicle.bumper = counter.uniform(state, 0.0, 1.0)  # its style, see `ends`


@kernel
def sample_rear(vehicle: np.record, state: np.ndarray) -> None:
    """Fill tail lamps, exhausts, and the plates of both ends."""
    vehicle.tails = _choose(state, TAILS)
    if vehicle.kind in (COUPE, SUPERCAR, ROADSTER) and counter.chance(state, 0.5):
        vehicle.tails = _choose(state, TWIN_TAILS + 1)
    vehicle.tail_x = counter.uniform(state, 0.60, 0.84)  # middle, share of the half width
    vehicle.tail_y = counter.uniform(state, 0.62, 0.86)  # share of the deck's height
    vehicle.tail_w = counter.uniform(state, 0.08, 0.22)
    vehicle.tail_h = counter.uniform(state, 0.05, 0.12)
    vehicle.front_plate = 1 if counter.chance(state, 0.65) else 0
    vehicle.plate_front = counter.uniform(state, 0.16, 0.36)  # shares of the nose's and deck's
    vehicle.plate_rear = counter.uniform(state, 0.25, 0.70)  # heights
    vehicle.exhausts = np.floor(counter.uniform(state, 0.0, 5.0))


@kernel
def sample_windows(vehicle: np.record, state: np.ndarray) -> None:
    """Fill pillars, posts, which windows there are, how clear they are."""
    vehicle.pillar = counter.uniform(state, 0.80, 0.90)  # share of the half width
    cabin = vehicle.screen_top_z - vehicle.rear_top_z
    vehicle.post_one = vehicle.screen_top_z - cabin * counter.uniform(state, 0.30, 0.55)
    vehicle.post_two = NO_POST
    vehicle.windows = vehicle.rear_window = 1
    if vehicle.kind in (SALOON, WAGON, SUV, BUS, VAN) and counter.chance(state, 0.8):
        vehicle.post_one = vehicle.screen_top_z - cabin * counter.uniform(state, 0.20, 0.36)
        vehicle.post_two = vehicle.rear_top_z + cabin * counter.uniform(state, 0.10, 0.36)
    if vehicle.kind in (COUPE, SUPERCAR, BOX_VAN, LORRY):
        one_door = counter.chance(state, 0.6)
        vehicle.post_one = NO_POST if one_door else vehicle.rear_top_z + 0.05
    if vehicle.kind == VAN and counter.chance(state, 0.5):
        vehicle.windows = 0  # a panel van: glass before the first post only
        vehicle.post_one = vehicle.screen_top_z - counter.uniform(state, 0.18, 0.32)
    if vehicle.kind in (BOX_VAN, LORRY) or (vehicle.kind == VAN and counter.chance(state, 0.3)):
        vehicle.rear_window = 0
    vehicle.glass_frame = 1 if counter.chance(state, 0.6) else 0
    vehicle.clear = counter.uniform(state, 0.0, 1.0)  # how far one sees through the glass


@kernel
def sample_sides(vehicle: np.record, state: np.ndarray) -> None:
    """Fill sills, hubs, and what a few have: stripes, a start number, a bar, scoops."""
    vehicle.sill = _sometimes(state, 0.6, 0.0, 0.07)
    vehicle.spokes = np.floor(counter.uniform(state, 4.0, 11.0))
    vehicle.hub_share = counter.uniform(state, 0.62, 0.80)  # of the wheel's radius
    vehicle.hub_style = _choose(state, HUBS)
    vehicle.stripe = _sometimes(state, 0.10, 0.03, 0.10)
    vehicle.roundel = _sometimes(state, 0.06, 0.06, 0.10)
    vehicle.bar = _sometimes(state, 0.08, 0.03, 0.08)
    vehicle.scoop = 0.0
    if vehicle.kind == SUPERCAR or counter.chance(state, 0.1):
        vehicle.scoop = counter.uniform(state, 0.05, 0.14)
