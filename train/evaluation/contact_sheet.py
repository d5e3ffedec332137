"""The pictures of a report: the best, the middle and the worst objects, not only good ones."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.sheet import Row, Style, jpeg_of, png_of, sheet_of
from train.evaluation.report import Picture

ON_SHEET, ON_PAGE = 4, 10
"""Objects shown of each group."""
HEADINGS = {"best": "Best", "middle": "Around the median", "worst": "Worst"}
STYLE = Style(cell=128, gap=2, group_gap=12, margin=12)
LINE = Style(cell=128, gap=2, group_gap=12)
"""The style of an object's pictures in the page."""


class Shown(NamedTuple):
    """One object."""

    groups: Sequence[Sequence[NDArray[np.uint8]]]
    """Pictures [R, R, 3] or [R, R], as they are titled."""
    caption: str


def best_middle_worst(
    scores: NDArray[np.floating],  # [N], higher is better
    count: int,
) -> list[tuple[str, int]]:
    """Up to `count` objects each of the best, the middle and the worst, none of them twice."""
    order = np.argsort(-scores, kind="stable")
    count = min(count, -(-len(order) // 3))
    worst_from = max(len(order) - count, count)
    middle_from = max((len(order) - count) // 2, count)
    groups = {
        "best": order[:count],
        "middle": order[middle_from : min(middle_from + count, worst_from)],
        "worst": order[worst_from:],
    }
    return [(group, int(number)) for group, numbers in groups.items() for number in numbers]


class Gallery(NamedTuple):
    """The pictures of a report."""

    contact_sheet: bytes
    """A PNG with a row for each of the objects that are chosen."""
    pictures: list[Picture]
    """A JPEG for each of them; of more objects."""
    text: str
    """How they are ordered, and what is in a row."""


def gallery_of(
    scores: NDArray[np.floating],  # [N], higher is better
    name: str,  # of the scores
    show: Callable[[int], Shown],
    titles: Sequence[Sequence[str]],  # as `graphics.sheet.sheet_of` takes them
) -> Gallery:
    """Show the best, the middle and the worst objects."""
    rows, pictures = [], []
    for group, number in best_middle_worst(scores, ON_SHEET):
        groups, caption = show(number)
        rows.append(Row(groups, captions=[f"{group}  {caption}"]))
    for group, number in best_middle_worst(scores, ON_PAGE):
        groups, caption = show(number)
        line = jpeg_of(sheet_of([Row(groups)], style=LINE))
        pictures.append(Picture(line, caption, HEADINGS[group]))
    columns = " | ".join(title for group in titles for title in group)
    text = f"By {name}, from left to right: {columns}."
    return Gallery(png_of(sheet_of(rows, titles, STYLE)), pictures, text)
