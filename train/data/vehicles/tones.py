"""How the kernels of a surface write a colour: RGB 0..1 and gloss, of [4] or more."""

import numpy as np

from train.data.vehicles.counter import kernel


@kernel
def put(colour: np.ndarray, source: np.ndarray, gloss: float) -> None:
    """Write a colour [3] and its gloss."""
    colour[0], colour[1], colour[2] = source[0], source[1], source[2]
    colour[3] = gloss


@kernel
def grey(colour: np.ndarray, value: float, gloss: float) -> None:
    """Write a grey and its gloss."""
    colour[0] = colour[1] = colour[2] = value
    colour[3] = gloss


@kernel
def darken(colour: np.ndarray, factor: float) -> None:
    """Scale the colour; its gloss stays."""
    for channel in range(3):
        colour[channel] *= factor
