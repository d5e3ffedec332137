"""Estimates with their bootstrap intervals.

An interval holds 95 % of 2,000 resamples of the objects. It says how much the metric would move
with other held-out objects, not what another training run would give.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from train.evaluation.metrics import Estimate, Metric

RESAMPLES = 2_000
CONFIDENCE = 0.95
INTERVAL = "95 % bootstrap interval over the {}"
"""What reports say of the brackets."""


def summarise(values: NDArray[np.floating], statistic: str) -> NDArray[np.float64]:
    """Sum up the last axis: `mean`, `median` or `within30`."""
    if statistic == "mean":
        return np.mean(values, axis=-1)
    if statistic == "median":
        return np.median(values, axis=-1)
    if statistic == "within30":
        return np.mean(values <= 30.0, axis=-1)
    raise ValueError(f"statistic is {statistic!r}; it must be mean, median or within30")


def bootstrap(
    values: NDArray[np.floating],  # [N], one per object
    statistic: str,
    resamples: int = RESAMPLES,
) -> Estimate:
    """A statistic with its percentile interval; always the same resamples for one N."""
    chosen = np.random.default_rng(0).integers(0, len(values), (resamples, len(values)))
    spread = summarise(np.asarray(values)[chosen], statistic)
    tails = (1 - CONFIDENCE) / 2
    low, high = np.quantile(spread, [tails, 1 - tails])
    return Estimate(float(summarise(values, statistic)), float(low), float(high))


def estimates(
    scores: Mapping[str, NDArray[np.floating]],  # name -> [N]
    metrics: Mapping[str, Metric],
) -> dict[str, Estimate]:
    """Every metric that has values."""
    found = {}
    for name, metric in metrics.items():
        values = scores[metric.score or name]
        if len(values):
            found[name] = bootstrap(values, metric.statistic)
    return found
