"""Measures of a generator from a full grid: every one of K view codes with C content codes.

Measure 1 is how firmly a view code, or a camera asked for, holds the azimuth. Measure 2 is what
the view code decides of an object, and what the content code. All angles are in degrees. A value
is a row of D numbers; angles come as (cos, sin), classes as one number per class.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from graphics.camera import azimuth_difference_degrees

STEADY_DEGREES = 20.0
FLIP_DEGREES = 90.0
"""An azimuth further from its group's direction than this shows the other end of the object."""


class Consistency(NamedTuple):
    """Azimuths of each view code across contents."""

    centres: np.ndarray  # f32 [K] in [-180, 180]: mean direction of the images that are not flipped
    stds: np.ndarray  # f32 [K]: circular standard deviation
    flip_rates: np.ndarray  # f32 [K] in 0..1: share of images beyond 90 degrees from the median


class Obedience(NamedTuple):
    """Azimuth asked for against azimuth read from the image."""

    median_degrees: float
    beyond_30: float  # share of images, 0..1
    beyond_90: float  # share of images, 0..1


def circular_std_degrees(azimuths: np.ndarray) -> np.ndarray:  # [..., C] -> [...]
    """Circular standard deviation over the last axis: sqrt(-2 ln |mean direction|)."""
    length = np.abs(np.exp(1j * np.deg2rad(azimuths)).mean(axis=-1))
    # A rounded length of 1 + 1e-16 would give the root of a negative number.
    return np.rad2deg(np.sqrt(-2 * np.log(np.clip(length, 1e-12, 1.0)))).astype(np.float32)


def circular_median_degrees(azimuths: np.ndarray) -> np.ndarray:  # [..., C] -> [...]
    """The member of the last axis with the smallest summed distance to the others.

    A mean direction is of no use here: with a few front/back flips it points between the two.
    """
    apart = azimuth_difference_degrees(azimuths[..., :, None], azimuths[..., None, :])
    member = apart.sum(axis=-1).argmin(axis=-1)
    return np.take_along_axis(azimuths, member[..., None], axis=-1)[..., 0]


def consistency(azimuths: np.ndarray) -> Consistency:  # [K, C]
    """How well each of K view codes holds the azimuth across C contents."""
    medians = circular_median_degrees(azimuths)
    flipped = azimuth_difference_degrees(azimuths, medians[:, None]) > FLIP_DEGREES
    directions = np.where(flipped, 0, np.exp(1j * np.deg2rad(azimuths))).sum(axis=1)
    return Consistency(
        np.rad2deg(np.angle(directions)).astype(np.float32),
        circular_std_degrees(azimuths),
        flipped.mean(axis=1).astype(np.float32),
    )


def steady_share(stds: np.ndarray) -> float:  # [K] degrees
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


class VarianceShares(NamedTuple):
    """Shares of an attribute's variance, 0..1; the rest is their interaction."""

    view: float  # explained by the view code alone
    content: float  # explained by the content code alone


def variance_shares(values: np.ndarray) -> VarianceShares:  # [K, C] or [K, C, D]
    """Two-way decomposition of the variance over the grid, summed over the D numbers.

    The variance of the K row means has a part that is only the noise of averaging C values. It is
    removed, and likewise for columns, so that a share of nothing is 0 and not 1/C.
    """
    grid = values[:, :, None] if values.ndim == 2 else values
    grid = grid.astype(np.float64)
    views, contents = grid.shape[:2]
    if views < 2 or contents < 2:
        raise ValueError(f"values of shape {values.shape}: at least 2 views x 2 contents")
    mean = grid.mean(axis=(0, 1))
    by_view, by_content = grid.mean(axis=1), grid.mean(axis=0)
    rest = grid - by_view[:, None] - by_content[None] + mean
    noise = np.square(rest).sum() / ((views - 1) * (contents - 1))
    view = np.square(by_view - mean).sum() / (views - 1) - noise / contents
    content = np.square(by_content - mean).sum() / (contents - 1) - noise / views
    view, content = max(view, 0.0), max(content, 0.0)
    total = view + content + noise
    return VarianceShares(view / total, content / total) if total > 0 else VarianceShares(0.0, 0.0)


def object_deviations(
    values: Sequence[np.ndarray],  # each [K, C, D] of one attribute of the object
) -> np.ndarray:  # f32 [K]
    """How far each view code moves objects from what their content code makes of them.

    Root mean square, over contents and attributes, of the distance to the content's mean over all
    views. The unit is the attribute's standard deviation over the grid: 0 where the content alone
    decides. A code that imposes a body moves every content towards that body.
    """
    squares = []
    for attribute in values:
        grid = attribute.astype(np.float64)
        variance = grid.var(axis=(0, 1)).sum()
        apart = np.square(grid - grid.mean(axis=0, keepdims=True)).sum(axis=2).mean(axis=1)
        squares.append(apart / max(variance, 1e-12))
    return np.sqrt(np.mean(squares, axis=0)).astype(np.float32)


OBJECT_ATTRIBUTES = ("body_kind", "roof_height", "length")
"""What has to stay when the view changes; paint and background never were the view's."""


class GridMeasures(NamedTuple):
    """What K views x C contents show."""

    viewpoint: Consistency
    """Measure 1: of the azimuth, per view."""
    deviations: np.ndarray
    """Measure 2, f32 [K]: of the object, per view."""
    shares: dict[str, VarianceShares]
    """Measure 2: attribute -> shares of its variance."""
    obeyed: Obedience | None
    """Azimuth asked for against azimuth read; None where none was asked for."""

    def facts(self) -> dict[str, Any]:
        """Rounded, for people and JSON."""
        metrics: dict[str, Any] = {
            "azimuth_std_median_degrees": round(float(np.median(self.viewpoint.stds)), 2),
            "azimuth_std_under_20": round(steady_share(self.viewpoint.stds), 4),
            "flip_rate": round(float(self.viewpoint.flip_rates.mean()), 4),
            "object_deviation_median": round(float(np.median(self.deviations)), 4),
            "variance_shares_view_content": {
                name: [round(share.view, 3), round(share.content, 3)]
                for name, share in self.shares.items()
            },
        }
        if self.obeyed is not None:
            metrics["azimuth_asked_read_median_degrees"] = round(self.obeyed.median_degrees, 2)
            metrics["azimuth_asked_read_beyond_30"] = round(self.obeyed.beyond_30, 4)
            metrics["azimuth_asked_read_beyond_90"] = round(self.obeyed.beyond_90, 4)
        return metrics

    def line(self) -> str:
        """One line for the terminal."""
        shares = "  ".join(
            f"{name} {share.view:.2f}/{share.content:.2f}" for name, share in self.shares.items()
        )
        asked = ""
        if self.obeyed is not None:
            asked = (
                f", asked vs read {self.obeyed.median_degrees:.1f}° "
                f"({self.obeyed.beyond_30:.0%} > 30°)"
            )
        return (
            f"viewpoint: azimuth std {np.median(self.viewpoint.stds):.1f}°, "
            f"flips {self.viewpoint.flip_rates.mean():.1%}{asked}; "
            f"object: view/content shares {shares}"
        )


def measure_grid(
    azimuths: np.ndarray,  # [K * C] degrees, the contents change fastest
    values: Mapping[str, np.ndarray],  # attribute -> [K * C, D]
    views: int,
    asked: np.ndarray | None = None,  # [K] degrees
) -> GridMeasures:
    """Measure viewpoint and object stability of one generator."""
    grid = {name: value.reshape(views, -1, value.shape[1]) for name, value in values.items()}
    read = azimuths.reshape(views, -1)
    obeyed = None if asked is None else obedience(np.broadcast_to(asked[:, None], read.shape), read)
    return GridMeasures(
        consistency(read),
        object_deviations([grid[name] for name in OBJECT_ATTRIBUTES]),
        {name: variance_shares(value) for name, value in grid.items()},
        obeyed,
    )
