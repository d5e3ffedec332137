"""How firmly a view code, or a camera asked for, holds the azimuth (measure 1 of the viewpoints).

All angles in degrees. "Contents" are the content codes under which one view code is seen.
"""

from typing import NamedTuple

import numpy as np

from graphics.camera import azimuth_difference_degrees

STEADY_DEGREES = 20.0
FLIP_DEGREES = 90.0
"""An azimuth further from its group's direction than this shows the other end of the object."""


class Consistency(NamedTuple):
    """Azimuths of each view code across contents."""

    centres: np.ndarray
    """f32 [K] in [-180, 180]: mean direction of the images that are not flipped."""
    stds: np.ndarray
    """f32 [K]: circular standard deviation."""
    flip_rates: np.ndarray
    """f32 [K] in 0..1: share of images beyond 90 degrees from the median."""


class Obedience(NamedTuple):
    """Azimuth asked for against azimuth read from the image."""

    median_degrees: float
    beyond_30: float
    """Share of images, 0..1."""
    beyond_90: float
    """Share of images, 0..1."""


def circular_std_degrees(
    azimuths: np.ndarray,  # [..., C]
) -> np.ndarray:  # [...]
    """Circular standard deviation over the last axis: sqrt(-2 ln |mean direction|)."""
    length = np.abs(np.exp(1j * np.deg2rad(azimuths)).mean(axis=-1))
    # A rounded length of 1 + 1e-16 would give the root of a negative number.
    return np.rad2deg(np.sqrt(-2 * np.log(np.clip(length, 1e-12, 1.0)))).astype(np.float32)


def circular_median_degrees(
    azimuths: np.ndarray,  # [..., C]
) -> np.ndarray:  # [...]
    """The member of the last axis with the smallest summed distance to the others.

    A mean direction is of no use here: with a few front/back flips it points between the two.
    """
    apart = azimuth_difference_degrees(azimuths[..., :, None], azimuths[..., None, :])
    member = apart.sum(axis=-1).argmin(axis=-1)
    return np.take_along_axis(azimuths, member[..., None], axis=-1)[..., 0]


def consistency(
    azimuths: np.ndarray,  # [K, C]
) -> Consistency:
    """How well each of K view codes holds the azimuth across C contents."""
    medians = circular_median_degrees(azimuths)
    flipped = azimuth_difference_degrees(azimuths, medians[:, None]) > FLIP_DEGREES
    directions = np.where(flipped, 0, np.exp(1j * np.deg2rad(azimuths))).sum(axis=1)
    return Consistency(
        np.rad2deg(np.angle(directions)).astype(np.float32),
        circular_std_degrees(azimuths),
        flipped.mean(axis=1).astype(np.float32),
    )


def steady_share(
    stds: np.ndarray,  # [K] degrees
) -> float:
    """Share of view codes that hold their viewpoint: whose azimuth varies less across contents."""
    return float((stds < STEADY_DEGREES).mean())


def obedience(
    asked: np.ndarray,  # [...]
    read: np.ndarray,  # [...] the same shape
) -> Obedience:
    """How well images show the azimuths that were asked for."""
    apart = azimuth_difference_degrees(asked, read)
    return Obedience(
        float(np.median(apart)), float((apart > 30).mean()), float((apart > FLIP_DEGREES).mean())
    )
