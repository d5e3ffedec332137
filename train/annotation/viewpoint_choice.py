"""Which view codes are worth annotating: those that hold one viewpoint, all around the circle."""

from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from train.annotation.table import BINS, Measures, nearest_bins
from train.config import ViewpointsConfig
from train.metrics.view_content_grid import Consistency, GridMeasures, measure_grid
from train.models.attributes import AttributeClassifier, AttributeReadings, read_attributes
from train.models.generated import generate_grid
from train.models.generator import Generator
from train.running.chunks import computed_chunks
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace, WorkspaceError

CODES_PER_STEP = 4
FEWEST = 2
"""Viewpoints without which there is no pair of views."""


class Choice(NamedTuple):
    """The codes to annotate."""

    indices: np.ndarray
    """int64 [K] of the candidates."""
    measures: Measures
    bins: np.ndarray | None
    """int32 [K] degrees, by the attribute classifier; None without one."""
    metrics: dict[str, Any]
    """For `viewpoint_metrics.json`."""


def score_codes(
    workspace: Workspace,
    folder: StageFolder,
    networks: tuple[Generator, AttributeClassifier],
    pairs: tuple[Tensor, Tensor],  # view codes [N, code], contents [C, code]
) -> AttributeReadings:  # N * C rows
    """Attributes of every view code under every content, the contents changing fastest.

    Goes on from the folder's checkpoint.
    """
    (generator, network), (codes, contents) = networks, pairs
    chunks = codes.split(CODES_PER_STEP)
    progress = Progress(workspace, "viewpoints", len(chunks))

    def score(chunk: int) -> AttributeReadings:
        readings = read_attributes(network, generate_grid(generator, contents, chunks[chunk]))
        progress.tick(chunk + 1)
        return readings

    return computed_chunks(folder, len(chunks), AttributeReadings, score)


def first_codes(settings: ViewpointsConfig) -> Choice:
    """As many codes as `choose` takes, unmeasured: the person leaves out what is no viewpoint."""
    count = min(settings.candidates, settings.per_bin * len(BINS))
    unknown = np.full(count, np.nan, np.float32)
    return Choice(np.arange(count), Measures(unknown, unknown, unknown), None, {})


def measured_choice(
    readings: AttributeReadings, settings: ViewpointsConfig, progress: Progress
) -> Choice:
    """The codes that `choose` takes, and what both measures say of all and of them."""
    measured = measure_grid(readings.azimuths, readings.values(), settings.candidates)
    chosen = choose(measured, settings)
    view = measured.viewpoint
    measures = Measures(view.stds[chosen], view.flip_rates[chosen], measured.deviations[chosen])
    bins = nearest_bins(view.centres[chosen])
    rows = (chosen[:, None] * settings.contents + np.arange(settings.contents)).ravel()
    of_chosen = AttributeReadings(*(value[rows] for value in readings))
    again = measure_grid(of_chosen.azimuths, of_chosen.values(), len(chosen), bins)
    progress.say(f"{settings.candidates} candidates: {measured.line()}")
    progress.say(f"{len(chosen)} chosen: {again.line()}")
    if empty := sorted(set(BINS) - set(bins.tolist())):
        progress.say(f"no code for azimuth bins {empty}: raise --viewpoints.candidates")
    metrics = {"candidates": measured.facts(), "chosen": again.facts(), "empty_bins": empty}
    return Choice(chosen, measures, bins, metrics)


def choose(measured: GridMeasures, settings: ViewpointsConfig) -> np.ndarray:
    """Indices of the codes to keep, by bin and then best first.

    Raises:
        WorkspaceError: hardly any code holds its viewpoint.
    """
    stds = measured.viewpoint.stds
    weight = settings.object_weight
    score = (1 - weight) * stds / settings.largest_std_degrees + weight * measured.deviations
    found = best_of_bins(measured.viewpoint, score, settings.per_bin, settings)
    if len(found) < FEWEST:
        raise WorkspaceError(
            f"{len(found)} of {len(stds)} view codes hold the azimuth to "
            f"{settings.largest_std_degrees:g}° (median {np.median(stds):.0f}°): train the GAN "
            "longer, or raise --viewpoints.largest-std-degrees or --viewpoints.candidates"
        )
    return found


def best_of_bins(
    measured: Consistency,  # of N codes
    score: np.ndarray,  # [N], lower is better
    count: int,
    settings: ViewpointsConfig,
) -> np.ndarray:  # int64 [K]
    """Indices of up to `count` steady codes of each azimuth bin, by bin and then best first."""
    bins = nearest_bins(measured.centres)
    steady = measured.stds <= settings.largest_std_degrees
    order = np.argsort(score, kind="stable")
    return np.concatenate([order[(steady & (bins == bin))[order]][:count] for bin in BINS])
