"""Fits a generator to one photograph: finds what to add to its code so that it draws that.

Gauss-Newton with finite differences: a code has few numbers, and a generator draws dozens of
pictures at once, so no gradient of it is needed. It may be a graph in any runtime.
"""

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

SHIFTS = 64
"""Numbers that are found."""
STEPS = 5
DIFFERENCE = 0.05
"""Of each number, to see what it changes; they are measured by how far codes spread."""
PRIOR = 0.05
"""Weight of a number's square against the squared differences of all pixels, in 0..1. Without it
the photograph is met better, and another view of it worse."""
SHARES = (1.0, 0.5, 0.25)
"""Of a step, that are tried: the generator is not linear."""
SIDE = 64
"""Pictures are compared at this side in pixels, if they are larger, and twice at half of it."""

Fitting = Generator[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Gives shifts [K, SHIFTS], is sent the pictures that they make [K, R, R, 3] in 0..1, and returns
the best shifts [SHIFTS]."""


def fitting(photograph: NDArray[np.uint8]) -> Fitting:
    """Find the shifts that draw a photograph [R, R, 3]; draws at most 1 + `STEPS` * (`SHIFTS` + 3)
    pictures."""
    wanted = _compared(photograph[None].astype(np.float32) / np.float32(255))[0]
    found: NDArray[np.float32] = np.zeros(SHIFTS, np.float32)
    differences = DIFFERENCE * np.eye(SHIFTS, dtype=np.float32)
    drawn = _compared((yield found[None]))[0]
    cost = _cost(drawn[None], found[None], wanted)[0]
    for _ in range(STEPS):
        changed = (found + differences).astype(np.float32)
        slopes = (_compared((yield changed)) - drawn) / DIFFERENCE
        squares = slopes @ slopes.T + PRIOR * np.eye(SHIFTS)
        step = np.linalg.solve(squares, slopes @ (wanted - drawn) - PRIOR * found)
        tried = (found + np.outer(SHARES, step)).astype(np.float32)
        pictures = _compared((yield tried))
        costs = _cost(pictures, tried, wanted)
        best = int(costs.argmin())
        if costs[best] >= cost:
            break
        cost, found, drawn = costs[best], tried[best], pictures[best]
    return found


def proceed(fit: Fitting, pictures: NDArray[np.float32]) -> tuple[NDArray[np.float32], bool]:
    """Send a fit the pictures it asked for; returns the shifts to draw next, or those found, and
    whether it is at its end."""
    try:
        return fit.send(pictures), False
    except StopIteration as end:
        return end.value, True


def _cost(drawn: NDArray, shifts: NDArray, wanted: NDArray) -> NDArray:  # [K, P], [K, S], [P] -> K
    return np.square(drawn - wanted).sum(1) + PRIOR * np.square(shifts).sum(1)


def _compared(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """[K, R, R, 3] -> [K, P]: pixels, fine and coarse, so that each size weighs as much."""
    fine = _averaged(pictures, max(1, pictures.shape[1] // SIDE))
    sizes = [fine, 2 * _averaged(fine, 2), 4 * _averaged(fine, 4)]
    return np.concatenate([one.reshape(len(one), -1) for one in sizes], axis=1)


def _averaged(pictures: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    count, side = pictures.shape[:2]
    small = side // factor
    whole = pictures[:, : small * factor, : small * factor]
    return whole.reshape(count, small, factor, small, factor, 3).mean(axis=(2, 4))
