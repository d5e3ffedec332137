"""Contact sheets of photographs: a line of pictures for each, with its caption above."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from train.evaluation.contact_sheet import CAPTION, CELL, INK, MARGIN, WHITE


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


def captioned_sheet(title: str, captions: Sequence[str], lines: Sequence[Image.Image]) -> bytes:
    """A PNG of the lines below each other; at least one."""
    height = CAPTION + CELL
    sheet = Image.new("RGB", (lines[0].width, CAPTION + len(lines) * height), WHITE)
    pen = ImageDraw.Draw(sheet)
    pen.text((3, 3), title, fill=INK)
    for place, (caption, line) in enumerate(zip(captions, lines, strict=True)):
        top = CAPTION + place * height
        pen.text((3, top + 3), caption, fill=INK)
        sheet.paste(line, (0, top + CAPTION))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
