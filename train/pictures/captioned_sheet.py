"""Contact sheets: a line of pictures for each object, with its caption above."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CELL = 128
"""Side of one picture in pixels."""
MARGIN = 8
"""Pixels between the groups of a line."""
CAPTION = 18
"""Height of a line of text in pixels."""
WHITE, INK = (255, 255, 255), (30, 30, 30)


def line_of(*groups: Sequence[NDArray[np.uint8]]) -> Image.Image:
    """Pictures [R, R, 3] or [R, R] side by side, with a margin between the groups."""
    cells = sum(len(group) for group in groups)
    line = Image.new("RGB", (cells * CELL + (len(groups) - 1) * MARGIN, CELL), WHITE)
    left = 0
    for group in groups:
        for pixels in group:
            image = Image.fromarray(pixels).resize((CELL, CELL), Image.Resampling.BICUBIC)
            line.paste(image, (left, 0))
            left += CELL
        left += MARGIN
    return line


def jpeg_of(line: Image.Image) -> bytes:
    """A line as a page shows it."""
    content = io.BytesIO()
    line.save(content, "JPEG", quality=88)
    return content.getvalue()


def captioned_sheet(
    titles: Sequence[tuple[int, str]],
    captions: Sequence[str],
    lines: Sequence[Image.Image],
) -> bytes:
    """A PNG of the lines below each other; at least one. `titles`: at the top, each with its place
    in pixels from the left."""
    height = CAPTION + CELL
    sheet = Image.new("RGB", (lines[0].width, CAPTION + len(lines) * height), WHITE)
    pen = ImageDraw.Draw(sheet)
    for left, title in titles:
        pen.text((left + 3, 3), title, fill=INK)
    for place, (caption, line) in enumerate(zip(captions, lines, strict=True)):
        top = CAPTION + place * height
        pen.text((3, top + 3), caption, fill=INK)
        sheet.paste(line, (0, top + CAPTION))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
