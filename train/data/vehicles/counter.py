"""Counter-based random numbers: a stream is a pure function of (seed, index, purpose).

SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014), in numba so
that sampling a whole vehicle costs about a microsecond. The state is one uint64 in an array.
"""

import numba
import numpy as np

kernel = numba.njit(nogil=True, error_model="numpy")
"""Compiles every kernel of the package; only `compiled` caches, see there.

Kernels call a row of a structured array `np.record`: there its fields are attributes.
"""

inlined = numba.njit(nogil=True, error_model="numpy", inline="always")
"""For what runs once per sample: saves a tenth of the time in arguments passed."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_BY_30, _BY_27, _BY_31, _BY_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 1.0 / 9007199254740992.0  # 2^-53

# One stream per purpose, so that, for example, another camera leaves the vehicle as it was.
VEHICLE, SCENE, CAMERA, SENSOR = 1, 2, 3, 4


@kernel
def mix(value: np.uint64) -> np.uint64:
    """SplitMix64's finaliser: 64 well mixed bits from 64 bits."""
    value = (value ^ (value >> _BY_30)) * _FIRST
    value = (value ^ (value >> _BY_27)) * _SECOND
    return value ^ (value >> _BY_31)


@kernel
def stream(seed: int, index: int, purpose: int) -> np.ndarray:
    """State of the stream for one (seed, index, purpose): uint64 [1]."""
    state = np.empty(1, np.uint64)
    key = mix(np.uint64(seed) + _GOLDEN)
    key = mix(key ^ (np.uint64(index) * _GOLDEN))
    state[0] = mix(key + np.uint64(purpose) * _SECOND)
    return state


@kernel
def uniform(state: np.ndarray, low: float, high: float) -> float:
    """Next number of the stream, uniform in [low, high)."""
    state[0] += _GOLDEN
    return low + (high - low) * (np.float64(mix(state[0]) >> _BY_11) * _UNIT)


@kernel
def chance(state: np.ndarray, probability: float) -> bool:
    """True with the given probability."""
    return uniform(state, 0.0, 1.0) < probability


@kernel
def hue_colour(hue: float, saturation: float, value: float, colour: np.ndarray) -> None:
    """Write the RGB (0..1) of an HSV colour, hue in turns, into `colour` [3]."""
    for channel in range(3):
        turn = (5.0 - 2.0 * channel + 6.0 * hue) % 6.0
        share = max(0.0, min(1.0, min(turn, 4.0 - turn)))
        colour[channel] = value * (1.0 - saturation * share)
