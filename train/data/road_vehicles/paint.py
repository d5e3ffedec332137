"""Colours of a road vehicle: those that vehicles are painted in, and any other now and then."""

import numpy as np

from train.data.vehicles import counter
from train.data.vehicles.counter import kernel


@kernel
def _sample_paint(state: np.ndarray, colour: np.ndarray) -> None:
    """White to black in half the cases, reds, blues, yellows; any hue in a tenth."""
    choice = counter.uniform(state, 0.0, 1.0)
    hue, saturation = counter.uniform(state, 0.0, 1.0), counter.uniform(state, 0.0, 0.07)
    if choice < 0.15:
        value = counter.uniform(state, 0.82, 0.98)
    elif choice < 0.32:
        value = counter.uniform(state, 0.40, 0.80)
    elif choice < 0.50:
        value = counter.uniform(state, 0.02, 0.14)
    elif choice < 0.66:
        hue, saturation = (
            counter.uniform(state, 0.96, 1.03) % 1.0,
            counter.uniform(state, 0.80, 0.98),
        )
        value = counter.uniform(state, 0.35, 0.92)
    elif choice < 0.76:
        hue, saturation = counter.uniform(state, 0.55, 0.68), counter.uniform(state, 0.45, 0.95)
        value = counter.uniform(state, 0.18, 0.80)
    elif choice < 0.84:
        hue, saturation = counter.uniform(state, 0.09, 0.16), counter.uniform(state, 0.75, 0.98)
        value = counter.uniform(state, 0.75, 0.98)
    elif choice < 0.90:
        hue, saturation = counter.uniform(state, 0.05, 0.13), counter.uniform(state, 0.25, 0.60)
        value = counter.uniform(state, 0.25, 0.75)
    else:
        saturation, value = counter.uniform(state, 0.4, 0.95), counter.uniform(state, 0.2, 0.95)
    counter.hue_colour(hue, saturation, value, colour)


@kernel
def _sample_lamps(vehicle: np.record, state: np.ndarray) -> None:
    """Lamps are white and red on most vehicles, and smoked, clear or amber on others."""
    value = counter.uniform(state, 0.35, 1.0)
    counter.hue_colour(
        counter.uniform(state, 0.08, 0.65), counter.uniform(state, 0.0, 0.2), value, vehicle.lamp
    )
    if counter.chance(state, 0.15):  # switched on
        vehicle.lamp[:] = 2.5
    choice = counter.uniform(state, 0.0, 1.0)
    if choice < 0.84:
        hue, value = counter.uniform(state, 0.97, 1.02) % 1.0, counter.uniform(state, 0.25, 0.85)
        counter.hue_colour(hue, counter.uniform(state, 0.7, 0.98), value, vehicle.tail_lamp)
    elif choice < 0.92:
        counter.hue_colour(counter.uniform(state, 0.0, 0.09), 0.85, 0.85, vehicle.tail_lamp)
    else:
        vehicle.tail_lamp[:] = counter.uniform(state, 0.05, 0.8)


@kernel
def _sample_plates(vehicle: np.record, state: np.ndarray) -> None:
    for rear in range(2):
        plate = vehicle.rear_plate if rear else vehicle.plate
        choice = counter.uniform(state, 0.0, 1.0)
        plate[:] = counter.uniform(state, 0.75, 0.97)
        if choice < 0.25:
            plate[0], plate[1], plate[2] = 0.95, 0.78, 0.12
        elif choice < 0.35:
            plate[:] = 0.07
        elif choice < 0.45:
            counter.hue_colour(counter.uniform(state, 0.0, 1.0), 0.5, 0.7, plate)


@kernel
def sample_colours(vehicle: np.record, state: np.ndarray) -> None:
    """Fill every colour of a VEHICLE record."""
    _sample_paint(state, vehicle.paint)
    vehicle.roof_paint[:] = vehicle.paint
    vehicle.lower_paint[:] = vehicle.paint
    two_tone = counter.uniform(state, 0.0, 1.0)
    if two_tone < 0.10:
        _sample_paint(state, vehicle.roof_paint)
    elif two_tone < 0.18:
        vehicle.roof_paint[:] = counter.uniform(state, 0.02, 0.10)
    elif two_tone < 0.26:
        _sample_paint(state, vehicle.lower_paint)
    if vehicle.soft_top == 1:
        value = counter.uniform(state, 0.04, 0.5)
        counter.hue_colour(counter.uniform(state, 0.03, 0.12), 0.25, value, vehicle.roof_paint)
    _sample_paint(state, vehicle.second)
    _sample_paint(state, vehicle.cargo_paint)
    if counter.chance(state, 0.5):
        vehicle.cargo_paint[:] = vehicle.paint
    shade = counter.uniform(state, 0.02, 0.16)
    counter.hue_colour(counter.uniform(state, 0.35, 0.64), 0.3, shade, vehicle.glass)
    vehicle.hub[:] = counter.uniform(state, 0.06, 0.85)
    if counter.chance(state, 0.10):
        _sample_paint(state, vehicle.hub)
    vehicle.trim[:] = counter.uniform(state, 0.03, 0.16)
    vehicle.tyre[:] = counter.uniform(state, 0.025, 0.10)
    vehicle.bumper_paint[:] = counter.uniform(state, 0.03, 0.20)
    if counter.chance(state, 0.3):
        vehicle.bumper_paint[:] = counter.uniform(state, 0.6, 0.85)  # chrome
    counter.hue_colour(counter.uniform(state, 0.0, 0.16), 0.9, 0.7, vehicle.caliper)
    value = counter.uniform(state, 0.03, 0.5)
    counter.hue_colour(counter.uniform(state, 0.0, 0.13), 0.4, value, vehicle.inside)
    _sample_lamps(vehicle, state)
    _sample_plates(vehicle, state)
