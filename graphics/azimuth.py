"""What a distribution over azimuths says beside its strongest peak: the other hypotheses.

From the rear a car looks much as it does from the front. A network that takes photographs for both
has two peaks; its camera is the stronger one. Service and evaluation read the others here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import azimuth_difference_degrees, wrap_degrees

BINS = 24
"""Soft bins of an azimuth's distribution, 15 degrees apart; bin 0 is centred on 0 degrees."""
APART_DEGREES = 60.0
"""Hypotheses are at least this far from one another; nearer ones are the same with an error."""
LEAST_PROBABILITY = 0.05
"""Of a hypothesis that is listed."""
OPPOSITE_DEGREES = 45.0
"""How far from the opposite azimuth a hypothesis may be that takes the front for the rear."""
UNKNOWN = np.full(BINS, 1 / BINS, np.float32)
"""The distribution [BINS] of an azimuth of which nothing is known; it has no peaks."""
_DIRECTIONS = np.exp(2j * np.pi * np.arange(BINS) / BINS)


class Hypothesis(NamedTuple):
    """One azimuth that an object may be seen from."""

    azimuth_degrees: float
    """-180..180"""
    probability: float
    """0..1: of a peak and its two neighbours."""


def alternatives(
    probabilities: NDArray[np.floating],  # [BINS], sum 1
    azimuth_degrees: float,  # of the camera
) -> list[Hypothesis]:
    """The hypotheses beside the camera's, the most probable first; none where there is no doubt.

    Each is a peak of the distribution: its azimuth is the mean direction of the peak and its two
    neighbours, as the camera's is. Raises `ValueError` where there are not `BINS` probabilities.
    """
    if probabilities.shape != (BINS,):
        raise ValueError(f"probabilities has shape {probabilities.shape}; it must be ({BINS},)")
    left, right = np.roll(probabilities, 1), np.roll(probabilities, -1)
    # Equal neighbours are one peak; a distribution that is level all round has none.
    peaks = (probabilities >= np.maximum(left, right)) & (probabilities > probabilities.min())
    masses = left + probabilities + right
    weighted = probabilities * _DIRECTIONS
    directions = np.roll(weighted, 1) + weighted + np.roll(weighted, -1)
    azimuths = np.degrees(np.angle(directions))
    taken, found = [azimuth_degrees], []
    for number in np.argsort(-masses, kind="stable"):
        if not peaks[number] or masses[number] < LEAST_PROBABILITY:
            continue
        if (azimuth_difference_degrees(azimuths[number], np.array(taken)) >= APART_DEGREES).all():
            azimuth = float(wrap_degrees(azimuths[number]))
            taken.append(azimuth)
            found.append(Hypothesis(azimuth, min(1.0, float(masses[number]))))
    return found


def opposite_probability(
    hypotheses: list[Hypothesis],  # beside the camera's
    azimuth_degrees: float,  # of the camera
) -> float:
    """The probability, 0..1, of the likeliest hypothesis that the object faces the other way.

    0 where none lies within `OPPOSITE_DEGREES` of the opposite azimuth.
    """
    opposite = azimuth_degrees + 180
    return max(
        (
            one.probability
            for one in hypotheses
            if azimuth_difference_degrees(one.azimuth_degrees, opposite) <= OPPOSITE_DEGREES
        ),
        default=0.0,
    )
