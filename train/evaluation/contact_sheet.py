"""The pictures of an evaluation: objects with their predictions, and where azimuths go wrong."""

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from train.data.held_out import HeldOut
from train.evaluation.benchmark import Measured, shown_views
from train.pictures.captioned_sheet import (
    CELL,
    INK,
    MARGIN,
    WHITE,
    captioned_sheet,
    jpeg_of,
    line_of,
)

OBJECTS_PER_GROUP = 4
"""Objects shown of the best, of the middle and of the worst."""
GROUPS = ("photograph", "mask", "re-render", "predicted, turned", "true")
"""Titles of the groups of pictures in a line."""

HISTOGRAM_SIZE = (720, 300)
LEFT, RIGHT, TOP, BOTTOM = 48, 704, 40, 252
"""The histogram's frame in pixels."""
BINS = 24
"""Of the azimuth error, 15 degrees each."""
COLOURS = (
    (31, 94, 168), (214, 102, 32), (70, 140, 70), (120, 80, 160), (190, 40, 90), (0, 150, 160),
)  # fmt: skip
"""Of the histogram's rows, in their order."""
GRID_LINES = 4
GRID = (205, 205, 205)


def best_middle_worst(
    scores: NDArray[np.floating],  # [N], higher is better
    count: int,
) -> list[tuple[str, int]]:
    """Up to `count` objects each of the best, the middle and the worst, none of them twice."""
    order = np.argsort(-scores, kind="stable")
    count = min(count, -(-len(order) // 3))
    worst_from = max(len(order) - count, count)
    middle_from = max((len(order) - count) // 2, count)
    places = [("best", place) for place in range(count)]
    places += [
        ("middle", place) for place in range(middle_from, min(middle_from + count, worst_from))
    ]
    places += [("worst", place) for place in range(worst_from, len(order))]
    return [(group, int(order[place])) for group, place in places]


def contact_sheet(measured: Measured, truth: HeldOut) -> bytes:
    """A PNG with a line per object: photograph | mask | re-render | predicted views | true views.

    Best, middle and worst objects by IoU in the novel views, so that nobody sees good ones only.
    """
    chosen = best_middle_worst(measured.scores.iou2d_novel30, OBJECTS_PER_GROUP)
    captions = [_caption(group, number, measured, truth) for group, number in chosen]
    every = [_pictures(measured, truth, number) for _, number in chosen]
    lefts, left = [], 0
    for group in every[0]:
        lefts.append(left)
        left += len(group) * CELL + MARGIN
    titles = list(zip(lefts, GROUPS, strict=True))
    return captioned_sheet(titles, captions, [line_of(*pictures) for pictures in every])


def strip(measured: Measured, truth: HeldOut, number: int) -> bytes:
    """The line of one object alone, without its caption, as a JPEG."""
    return jpeg_of(line_of(*_pictures(measured, truth, number)))


def _caption(group: str, number: int, measured: Measured, truth: HeldOut) -> str:
    scores = measured.scores
    return (
        f"{group}  {truth.names[number]}  novel IoU {scores.iou2d_novel30[number]:.2f}  "
        f"input IoU {scores.iou2d_input[number]:.2f}  "
        f"azimuth error {scores.azimuth_degrees[number]:.0f} degrees  "
        f"volume IoU {scores.iou3d_canonical[number]:.2f}"
    )


def _pictures(
    measured: Measured, truth: HeldOut, number: int
) -> tuple[list[NDArray[np.uint8]], ...]:
    """Every group of one object, in the order of `GROUPS`."""
    mask = np.rint(measured.masks[number] * 255).astype(np.uint8)
    shown = shown_views(truth.novel_images.shape[1])
    return (
        [truth.images[number]],
        [mask],
        [measured.renders[number]],
        list(measured.novel[number]),
        [truth.novel_images[number, view] for view in shown],
    )


def azimuth_histogram(
    errors: Mapping[str, NDArray[np.floating]],  # row -> [N] degrees, predicted minus true
) -> bytes:
    """A PNG of how each row's azimuth errors are spread over -180..180 degrees."""
    sheet = Image.new("RGB", HISTOGRAM_SIZE, WHITE)
    pen = ImageDraw.Draw(sheet)
    edges = np.linspace(-180, 180, BINS + 1)
    shares = {
        name: np.histogram(values, edges)[0] / max(len(values), 1)
        for name, values in errors.items()
    }
    highest = max((float(share.max()) for share in shares.values()), default=0.0) or 1.0
    _draw_axes(pen, highest)
    # The first row is what the report is about: drawn last, no other can hide it.
    for number, (name, share) in reversed(list(enumerate(shares.items()))):
        colour = COLOURS[number % len(COLOURS)]
        pen.text((LEFT + number * (RIGHT - LEFT) // len(shares), 10), name, fill=colour)
        pen.line(_outline(share / highest), fill=colour, width=2)
    return _png(sheet)


def _outline(
    heights: NDArray[np.floating],  # [BINS] in 0..1
) -> list[tuple[float, float]]:
    """Corners of a histogram's outline; empty bins at the ends are left out."""
    filled = np.flatnonzero(heights)
    if len(filled) == 0:
        return []
    across = np.linspace(LEFT, RIGHT, BINS + 1)
    points = [(float(across[filled[0]]), float(BOTTOM))]
    for place in range(filled[0], filled[-1] + 1):
        y = BOTTOM - float(heights[place]) * (BOTTOM - TOP)
        points += [(float(across[place]), y), (float(across[place + 1]), y)]
    return [*points, (points[-1][0], float(BOTTOM))]


def _draw_axes(pen: ImageDraw.ImageDraw, highest: float) -> None:
    for number in range(GRID_LINES + 1):
        y = BOTTOM - (BOTTOM - TOP) * number // GRID_LINES
        pen.line([(LEFT, y), (RIGHT, y)], fill=GRID)
        pen.text((5, y - 6), f"{highest * number / GRID_LINES:.0%}", fill=INK)
    for degrees in range(-180, 181, 45):
        x = LEFT + (RIGHT - LEFT) * (degrees + 180) / 360
        pen.text((x - 12, BOTTOM + 5), str(degrees), fill=INK)
    pen.text((LEFT, BOTTOM + 24), "predicted minus true azimuth, degrees", fill=INK)


def _png(sheet: Image.Image) -> bytes:
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
