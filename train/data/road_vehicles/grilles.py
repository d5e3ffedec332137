"""Grilles and air intakes in the face of a road vehicle."""

import numpy as np

from train.data.road_vehicles.kinds import KIDNEYS, MESH, NO_GRILLE, OVAL, SLATS
from train.data.vehicles.counter import kernel
from train.data.vehicles.tones import grey


@kernel
def _oval(vehicle: np.record, x: float, across: float, up: float, colour: np.ndarray) -> bool:
    tall = 0.7 * vehicle.grille_h + 0.08
    if (across / vehicle.grille_w) ** 2 + ((up - 0.40) / tall) ** 2 >= 1.0:
        return False
    grey(colour, 0.02 if (x * 60.0) % 1.0 < 0.7 else 0.08, 0.1)
    return True


@kernel
def _kidneys(vehicle: np.record, x: float, across: float, up: float, colour: np.ndarray) -> bool:
    """Two upright openings with chrome around them."""
    aside, above = abs(across - 0.16), abs(up - vehicle.grille_y)
    if aside >= 0.13 or above >= vehicle.grille_h:
        return False
    grey(colour, 0.03 if (x * 70.0) % 1.0 < 0.7 else 0.3, 0.2)
    if aside > 0.11 or above > 0.88 * vehicle.grille_h:
        grey(colour, 0.7, 0.8)
    return True


@kernel
def _rectangle(
    vehicle: np.record, along: float, across: float, up: float, colour: np.ndarray
) -> bool:
    """An opening with bars that follow each other `along` one direction, and a frame around it."""
    above = abs(up - vehicle.grille_y)
    if across >= vehicle.grille_w or above >= vehicle.grille_h:
        return False
    bright = 0.05 if vehicle.grille == MESH else 0.45
    grey(colour, 0.025 if (along * 55.0) % 1.0 < 0.65 else bright, 0.2)
    if across > 0.95 * vehicle.grille_w or above > 0.9 * vehicle.grille_h:
        grey(colour, vehicle.bumper_paint[0], 0.7)
    return True


@kernel
def _intake(vehicle: np.record, across: float, up: float, colour: np.ndarray) -> bool:
    """An opening below the grille, or one at each side."""
    if not 0.05 < up < 0.05 + vehicle.intake_h:
        return False
    at_side = vehicle.intake_w < 0.4 and 0.55 < across < 0.85
    if across >= vehicle.intake_w and not at_side:
        return False
    grey(colour, 0.02, 0.0)
    return True


@kernel
def grille(vehicle: np.record, x: float, y: float, colour: np.ndarray) -> bool:
    """Whether (x, y) of the face is grille or intake; writes it."""
    span = vehicle.nose - vehicle.ride
    across, up = abs(x) / vehicle.half_width, (y - vehicle.ride) / max(span, 1e-6)
    painted = False
    if vehicle.grille == OVAL:
        painted = _oval(vehicle, x, across, up, colour)
    elif vehicle.grille == KIDNEYS:
        painted = _kidneys(vehicle, x, across, up, colour)
    elif vehicle.grille != NO_GRILLE:
        along = y if vehicle.grille == SLATS else x
        painted = _rectangle(vehicle, along, across, up, colour)
    return painted or _intake(vehicle, across, up, colour)
