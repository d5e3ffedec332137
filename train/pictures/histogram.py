"""How the errors of predicted azimuths are spread, as a picture."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from graphics.sheet import CAPTION_SIZE, INK, PAPER

SIZE = (720, 300)
LEFT, RIGHT, TOP, BOTTOM = 48, 704, 40, 252
"""The frame in pixels."""
BINS = 24
"""15 degrees each."""
COLOURS = (
    (31, 94, 168), (214, 102, 32), (70, 140, 70), (120, 80, 160), (190, 40, 90), (0, 150, 160),
)  # fmt: skip
"""The rows' colours, in their order."""
GRID_LINES = 4
GRID = (205, 205, 205)


def azimuth_histogram(
    errors: Mapping[str, NDArray[np.floating]],  # row -> [N] degrees, predicted minus true
) -> Image.Image:
    """Draw the share of each row's errors in every bin of -180..180 degrees."""
    picture = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(picture)
    pen.font = ImageFont.load_default(CAPTION_SIZE)
    edges = np.linspace(-180, 180, BINS + 1)
    shares = {row: np.histogram(x, edges)[0] / max(len(x), 1) for row, x in errors.items()}
    highest = max((float(share.max()) for share in shares.values()), default=0.0) or 1.0
    _draw_axes(pen, highest)
    # The first row is what the report is about; as the last line, no other can hide it.
    for number, (name, share) in reversed(list(enumerate(shares.items()))):
        colour = COLOURS[number % len(COLOURS)]
        pen.text((LEFT + number * (RIGHT - LEFT) // len(shares), 10), name, fill=colour)
        pen.line(_outline(share / highest), fill=colour, width=2)
    return picture


def _outline(heights: NDArray[np.floating]) -> list[tuple[float, float]]:  # [BINS] in 0..1
    """Corners of a histogram's outline."""
    across = np.linspace(LEFT, RIGHT, BINS + 1).repeat(2)
    up = np.concatenate([[0], heights.repeat(2), [0]])
    return list(zip(across.tolist(), (BOTTOM - up * (BOTTOM - TOP)).tolist(), strict=True))


def _draw_axes(pen: ImageDraw.ImageDraw, highest: float) -> None:
    for number in range(GRID_LINES + 1):
        y = BOTTOM - (BOTTOM - TOP) * number // GRID_LINES
        pen.line([(LEFT, y), (RIGHT, y)], fill=GRID)
        pen.text((LEFT - 8, y), f"{highest * number / GRID_LINES:.0%}", fill=INK, anchor="rm")
    for degrees in range(-180, 181, 45):
        x = LEFT + (RIGHT - LEFT) * (degrees + 180) / 360
        pen.text((x, BOTTOM + 12), str(degrees), fill=INK, anchor="mm")
    pen.text((LEFT, BOTTOM + 24), "predicted minus true azimuth, degrees", fill=INK)
