"""The contact sheet: photographs beside what was found in them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

CELL = 176
"""Pixels."""
GAP = 6
GROUP_GAP = 26
"""Between what was photographed, what was understood, and the turned views."""
MARGIN = 28
HEADER = 40
CAPTION = 22
PAPER = (250, 250, 248)
PANEL = (228, 231, 235)
INK = (40, 44, 52)
FAINT = (120, 126, 136)


class Row(NamedTuple):
    """One photograph."""

    label: str
    photograph: Image.Image
    mask: Image.Image
    rerender: Image.Image
    turned: list[Image.Image]
    caption: str


def draw_sheet(rows: list[Row], view_names: list[str], path: Path) -> None:
    """Write the sheet as a PNG: one row each, labelled columns."""
    titles = ["photograph", "mask", "re-render", *view_names]
    lefts = [_left(column) for column in range(len(titles))]
    row_height = CELL + CAPTION + GAP
    size = (lefts[-1] + CELL + MARGIN, 2 * MARGIN + HEADER + len(rows) * row_height)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    title_font, font = ImageFont.load_default(17), ImageFont.load_default(13)
    for left, title in zip(lefts, titles, strict=True):
        middle = (left + CELL / 2, MARGIN + HEADER / 2 - 8)
        draw.text(middle, title, INK, title_font, anchor="mm")
    for number, row in enumerate(rows):
        top = MARGIN + HEADER + number * row_height
        pictures = [row.photograph, row.mask, row.rerender, *row.turned]
        for left, picture in zip(lefts, pictures, strict=True):
            sheet.paste(_panel(picture), (left, top))
        below = top + CELL + CAPTION / 2
        draw.text((lefts[0], below), row.label, FAINT, font, anchor="lm")
        draw.text((lefts[2] + CELL, below), row.caption, FAINT, font, anchor="rm")
    temporary = path.with_suffix(".part")
    sheet.save(temporary, "PNG", optimize=True)
    temporary.replace(path)


def _left(column: int) -> int:
    """Left edge of a column; the third one ends the group of the input's own view."""
    groups = (column >= 1) + (column >= 3)
    return MARGIN + column * (CELL + GAP) + groups * (GROUP_GAP - GAP)


def _panel(picture: Image.Image) -> Image.Image:
    """A picture on its own quiet ground, square."""
    ground = Image.new("RGBA", picture.size, (*PANEL, 255))
    # Onto the ground before resizing: sharpening filters overshoot at transparent edges.
    opaque = Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    method = Image.Resampling.LANCZOS if picture.width > CELL else Image.Resampling.BICUBIC
    return opaque.resize((CELL, CELL), method)
