"""The wheels of a road vehicle: tyres, hubs, calipers behind them."""

import numpy as np

from train.data.road_vehicles.kinds import BROAD_SPOKES, CAP, DISC, THIN_SPOKES
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import grey, put


@kernel
def _between_spokes(vehicle: np.record, angle: float) -> bool:
    level = 0.55  # of a cosine: the lower, the narrower the gaps
    if vehicle.hub_style == BROAD_SPOKES:
        level = 0.1
    elif vehicle.hub_style == CAP:
        level = -0.3
    return np.cos(vehicle.spokes * angle) < level


@kernel
def wheel(vehicle: np.record, x: float, y: float, z: float, colour: np.ndarray) -> None:
    """Write the colour of a point of any wheel, in the vehicle's own frame."""
    ahead = z > 0.5 * (vehicle.front_axle + vehicle.rear_axle)
    axle = vehicle.front_axle if ahead else vehicle.rear_axle
    up, along = y - vehicle.wheel_radius, z - axle
    radius = np.sqrt(up * up + along * along) / vehicle.wheel_radius
    put(colour, vehicle.tyre, 0.1)
    if radius >= vehicle.hub_share or abs(x) < vehicle.half_width - 0.06:
        return
    share, angle = radius / vehicle.hub_share, np.arctan2(up, along)
    put(colour, vehicle.hub, 0.5)
    if vehicle.hub_style == DISC or share > 0.92 or share <= 0.24:
        return
    if _between_spokes(vehicle, angle):
        grey(colour, 0.03, 0.0)
        caliper = 0.3 < share < 0.75 and along > 0.0 and abs(angle) < 0.8
        if caliper and vehicle.hub_style == THIN_SPOKES:
            put(colour, vehicle.caliper, 0.3)
