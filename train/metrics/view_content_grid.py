"""Both measures of a generator at once, from a full grid of views x contents."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from train.metrics.disentanglement import VarianceShares, object_deviations, variance_shares
from train.metrics.viewpoint_consistency import (
    Consistency,
    Obedience,
    consistency,
    obedience,
    steady_share,
)

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
