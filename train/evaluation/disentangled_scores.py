"""Scores of the pictures of `train.evaluation.disentangled_benchmark`, and what they measure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from graphics.camera import AZIMUTH, ELEVATION, azimuth_difference_degrees
from train.data.vehicles import Photographs
from train.evaluation.disentangled_benchmark import (
    OWN,
    SWAPS,
    TURNS_DEGREES,
    Asked,
    Seen,
    turned,
)
from train.evaluation.metrics import Estimate, Metric, bootstrap
from train.metrics.hues import hues_degrees, saturations
from train.metrics.image_quality import psnr
from train.metrics.mask_iou import mask_iou, solid
from train.models.attributes import AttributeReadings

SATURATED = 0.5
"""Least saturation of a paint whose hue counts."""
WRONG_HUE_DEGREES, FAR_DEGREES = 45.0, 30.0
RING_FRACTION = 1 / 16
"""Width of the ring around the object, as a share of the picture's side."""
TOUCHED_FRACTION = 7 / 64
"""How far from an object its contact shadow and what a renderer adds around it reach, as a share of
the picture's side."""
RIVALS = 100
"""Vehicles among which a picture has to find its own."""
RECOGNISED = turned(30)
"""The pictures that have to."""

Scores = dict[str, NDArray[np.floating]]
"""Metric -> one value per object; empty where it was not measured."""


class Truth(NamedTuple):
    """What the pictures are compared with."""

    photographs: Photographs
    """That were read; the objects' own."""
    true: Mapping[str, Photographs]
    """The pictures as they should be."""
    seen: Mapping[str, Seen]
    """What the readers see in these."""
    known: AttributeReadings
    """What they read in the photographs of all vehicles, among which one is recognised."""

    def first(self, count: int) -> "Truth":
        """Of the first so many objects; `known` stays."""
        return self._replace(
            photographs=_cut(self.photographs, count),
            true={name: _cut(taken, count) for name, taken in self.true.items()},
            seen={name: _cut(seen, count) for name, seen in self.seen.items()},
        )


def score(seen: Mapping[str, Seen], asked: Mapping[str, Asked], truth: Truth) -> Scores:
    """Every metric of one row, for each object; only the pictures that were drawn count."""
    scores: Scores = {}
    if "camera" in seen:
        scores |= camera_scores(seen["camera"].readings, asked["camera"].cameras)
    for part in SWAPS:
        if part in seen:
            scores |= swap_scores(part, seen[OWN], seen[part], truth.true[part].images)
    scores |= hue_scores("hue_beyond_45", seen[OWN], truth.true[OWN].attributes.paint)
    if "texture" in seen:
        paints = truth.true["texture"].attributes.paint
        scores |= hue_scores("texture_swap_hue_beyond_45", seen["texture"], paints)
    for name in (OWN, *map(turned, TURNS_DEGREES)):
        scores |= edit_scores(name, seen[name], truth)
    scores["identity_first"] = recognised(seen[RECOGNISED].readings, truth.known)
    return scores


def camera_scores(read: AttributeReadings, asked: NDArray[np.floating]) -> Scores:
    """Asked against read; `asked`: [N, 5]."""
    azimuths = azimuth_difference_degrees(read.azimuths, asked[:, AZIMUTH])
    return {
        "asked_vs_read_azimuth_deg": azimuths,
        "asked_vs_read_azimuth_beyond_30": (azimuths > FAR_DEGREES).astype(float),
        "asked_vs_read_elevation_deg": np.abs(read.elevations - asked[:, ELEVATION]),
    }


def swap_scores(part: str, own: Seen, swapped: Seen, true: NDArray[np.uint8]) -> Scores:
    """What one part from another photograph changes; `true`: [N, R, R, 3] as it should be."""
    covered = own.covered | swapped.covered
    touched = _grown(covered, round(covered.shape[-1] * TOUCHED_FRACTION))
    pairs = (own.readings, swapped.readings)
    return {
        f"{part}_swap_silhouette_iou": mask_iou(own.silhouettes, swapped.silhouettes),
        f"{part}_swap_paint_change": _apart(*(read.paints for read in pairs)),
        f"{part}_swap_azimuth_change_deg": azimuth_difference_degrees(
            *(read.azimuths for read in pairs)
        ),
        f"{part}_swap_background_psnr": _psnr(own.images, swapped.images, ~_grown(covered, 1)),
        f"{part}_swap_untouched_psnr": _psnr(own.images, swapped.images, ~touched),
        f"{part}_swap_psnr": _psnr(swapped.images, true),
    }


def hue_scores(name: str, seen: Seen, paints: NDArray[np.floating]) -> Scores:
    """Whether the hue is wrong, of the objects with saturated paint alone; `paints`: [N, 3]."""
    saturated = saturations(paints) >= SATURATED
    apart = azimuth_difference_degrees(
        hues_degrees(seen.readings.paints[saturated]), hues_degrees(paints[saturated])
    )
    return {name: (apart > WRONG_HUE_DEGREES).astype(float)}


def edit_scores(name: str, seen: Seen, truth: Truth) -> Scores:
    """A picture against the true one from the same camera."""
    true = truth.true[name]
    mask = solid(true.masks)
    width = max(1, round(mask.shape[-1] * RING_FRACTION))
    # The old silhouette too: there the photograph never showed the background.
    ring = _grown(mask | solid(truth.photographs.masks), width) & ~mask
    return {
        f"{name}_psnr": _psnr(seen.images, true.images),
        f"{name}_silhouette_iou": mask_iou(seen.silhouettes, mask),
        f"{name}_ring_psnr": _psnr(seen.images, true.images, ring),
        f"{name}_paint_error": _apart(seen.readings.paints, truth.seen[name].readings.paints),
    }


def recognised(read: AttributeReadings, known: AttributeReadings) -> NDArray[np.float64]:
    """Whether each picture is nearest to its own vehicle, 0 or 1, by kind, roof, length and paint.

    `read`: of pictures of the first vehicles of those `known` from their photographs. Each is
    compared with up to 100: its own vehicle and the next ones.
    """
    rows = [np.concatenate([one.kinds, one.bodies, one.paints], 1) for one in (read, known)]
    scale = np.maximum(rows[1].std(axis=0), 1e-6)
    asking, knowing = (values / scale for values in rows)
    count = len(knowing)
    rivals = np.arange(len(asking))[:, None] + np.arange(min(count, RIVALS))
    chosen = np.square(asking[:, None] - knowing[rivals % count]).sum(axis=-1)  # [N, rivals]
    return (chosen.argmin(axis=1) == 0).astype(float)


def agreement(first: Seen, second: Seen) -> Scores:
    """How alike two renderers draw the same things."""
    both = first.silhouettes & second.silhouettes
    # Silhouettes that do not meet share no colour to compare.
    met = both.any(axis=(1, 2))
    pictures = (seen.images[met] / np.float32(255) for seen in (first, second))
    apart = np.abs(np.subtract(*pictures)).mean(axis=-1)
    inside = both[met]
    return {
        "silhouette_iou": mask_iou(first.silhouettes, second.silhouettes),
        "colour_difference": (apart * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2)),
    }


def estimates_of(scores: Scores) -> dict[str, Estimate]:
    """Every metric that was measured, in the order of `METRICS`."""
    return {
        name: bootstrap(scores[name], metric.statistic)
        for name, metric in METRICS.items()
        if len(scores.get(name, ()))
    }


def _cut(values: Any, count: int) -> Any:
    """The first so many of arrays [N, ...], however deep in named tuples."""
    if isinstance(values, tuple):
        return type(values)(*(_cut(value, count) for value in values))
    return values[:count]


def _grown(masks: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:  # [N, R, R]
    across = np.zeros((3, 3, 3), bool)
    across[1] = True
    return np.asarray(binary_dilation(masks, across, iterations=pixels), np.bool_)


def _apart(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean absolute difference of colours [N, 3], each 0..1."""
    return np.abs(first - second).mean(axis=1)


def _psnr(
    first: NDArray[np.uint8], second: NDArray[np.uint8], regions: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Over the regions [N, R, R], or over all; over all too where a region is empty."""
    every = np.ones(first.shape[:-1], bool)
    if regions is not None:
        every = np.where(regions.any(axis=(1, 2), keepdims=True), regions, every)
    return psnr(first / np.float32(255), second / np.float32(255), every)


def _swap_metrics(part: str) -> dict[str, Metric]:
    what = f"with the {part} of another photograph"
    return {
        f"{part}_swap_silhouette_iou": Metric(
            f"silhouette of an object's own picture against that {what}"
        ),
        f"{part}_swap_paint_change": Metric(
            f"mean absolute change of the paint that is read, 0..1, {what}"
        ),
        f"{part}_swap_azimuth_change_deg": Metric(
            f"change of the azimuth that is read, {what}", 1, statistic="median"
        ),
        f"{part}_swap_background_psnr": Metric(
            f"dB between the two pictures outside both silhouettes, at most 60, {what}", 1
        ),
        f"{part}_swap_untouched_psnr": Metric(
            "the same beyond a ninth of the side around both silhouettes, where neither shadow "
            f"nor outline reaches, {what}",
            1,
        ),
        f"{part}_swap_psnr": Metric(f"dB of the picture {what} against the true one", 1),
    }


def _edit_metrics(name: str, when: str) -> dict[str, Metric]:
    return {
        f"{name}_psnr": Metric(f"dB against the true picture, {when}", 2),
        f"{name}_silhouette_iou": Metric(f"silhouette against the true mask, {when}"),
        f"{name}_ring_psnr": Metric(
            "dB around the object: outside the true mask, within a sixteenth of the side of it or "
            f"of the photograph's own mask, {when}", 2,
        ),
        f"{name}_paint_error": Metric(
            f"mean absolute difference of the paints read in this and in the true picture, {when}"
        ),
    }  # fmt: skip


METRICS: dict[str, Metric] = {
    "asked_vs_read_azimuth_deg": Metric(
        "camera of another photograph: azimuth read in the picture against the one asked for",
        1, statistic="median",
    ),
    "asked_vs_read_azimuth_beyond_30": Metric("share of these off by more than 30 degrees"),
    "asked_vs_read_elevation_deg": Metric("the same of the elevation", 1, statistic="median"),
    "hue_beyond_45": Metric(
        "share of vehicles of saturated paint (at least 0.5) whose own picture shows a hue that is "
        "off by more than 45 degrees of the colour circle"
    ),
    "texture_swap_hue_beyond_45": Metric(
        "the same of a texture of another photograph, against that vehicle's paint"
    ),
    "fd_own": Metric(
        "Fréchet distance of the objects' own pictures to other photographs, in the attribute "
        "classifier's features; no FID; comparable for one number of pictures only", 1,
    ),
    "fd_mixed": Metric(
        "the same of pictures whose shape, texture, background and camera are of four photographs",
        1,
    ),
    **_edit_metrics(OWN, "from the photograph's own camera"),
    **{
        name: metric
        for turn in TURNS_DEGREES
        for name, metric in _edit_metrics(turned(turn), f"turned by {turn} degrees").items()
    },
    "identity_first": Metric(
        "share of pictures turned by 30 degrees that are nearest, in the body and paint that are "
        "read, to their own vehicle's photograph among those of up to 100 vehicles"
    ),
    **{name: metric for part in SWAPS for name, metric in _swap_metrics(part).items()},
}  # fmt: skip
"""Metric -> what it measures."""
