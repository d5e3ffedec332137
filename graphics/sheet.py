"""Sheets of pictures for people to look at: rows of cells with titles, labels and captions.

    sheet_of([Row([[photograph], [mask, render]], captions=["car.jpg"])], [["input"], ["output"]])

Cells stand in groups. Every row has the same columns; a row with fewer pictures leaves cells empty.
"""

import io
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture: TypeAlias = NDArray[np.uint8] | Image.Image
"""[H, W], [H, W, 3], [H, W, 4], or an image of any mode."""

PAPER = (250, 250, 248)
PANEL = (228, 231, 235)  # behind transparent pictures
INK = (40, 44, 52)
FAINT = (120, 126, 136)
TITLE_SIZE, CAPTION_SIZE = 17, 13
"""Height of letters in pixels; the titles of narrow columns are as small as captions."""
TITLE_HEIGHT, CAPTION_HEIGHT = 40, 22  # height of a line of text in pixels
NARROW = 160  # cells of at least so many pixels have large titles
LABEL_GAP = 8  # between a label and its row


class Row(NamedTuple):
    """One row of a sheet."""

    groups: Sequence[Sequence[Picture]]
    label: str = ""
    """In front of the row."""
    captions: Sequence[str] = ()
    """Below the row, one for each of the first groups: the first begins at the left of its group,
    the others end at the right of theirs."""


class Style(NamedTuple):
    """Measures of a sheet in pixels."""

    cell: int | None = None
    """Width of a cell, whose pictures are brought to it; None: the first picture's own width."""
    gap: int = 0
    """Between the cells of a group, and between rows."""
    group_gap: int = 0
    """Between groups, and between blocks of rows."""
    margin: int = 0
    """Around everything."""


PLAIN = Style()  # a bare grid


def sheet_of(
    rows: Sequence[Row],  # at least one
    titles: Sequence[Sequence[str]] = (),
    style: Style = PLAIN,
    blocks: int = 1,
) -> Image.Image:
    """Lay out the rows below each other, in `blocks` columns of rows, read downwards.

    `titles`: for each group one title, or one for each of its columns. All cells have the
    proportions of the first picture.
    """
    layout = _Layout(rows, bool(titles), style)
    per_block = -(-len(rows) // blocks)
    size = (
        2 * style.margin + blocks * layout.width + (blocks - 1) * style.group_gap,
        2 * style.margin + layout.header + per_block * layout.height - style.gap,
    )
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    for block in range(blocks):
        left = style.margin + block * (layout.width + style.group_gap)
        if titles:
            layout.write_titles(pen, titles, left)
        for index, row in enumerate(rows[block * per_block : (block + 1) * per_block]):
            top = style.margin + layout.header + index * layout.height
            layout.draw(sheet, pen, row, (left, top))
    return sheet


def png_of(sheet: Image.Image) -> bytes:
    """A sheet as the content of a PNG file."""
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def jpeg_of(sheet: Image.Image) -> bytes:
    """A sheet as a JPEG, a tenth of the PNG's size."""
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=88)
    return content.getvalue()


class _Layout:
    """Where the parts of a row lie."""

    def __init__(self, rows: Sequence[Row], titled: bool, style: Style) -> None:
        first = _opened(rows[0].groups[0][0])
        width = style.cell or first.width
        self.cell = (width, max(round(width * first.height / first.width), 1))
        self.style = style
        self.title_font = ImageFont.load_default(TITLE_SIZE if width >= NARROW else CAPTION_SIZE)
        self.font = ImageFont.load_default(CAPTION_SIZE)
        counts = [max(map(len, group)) for group in zip(*(row.groups for row in rows), strict=True)]
        self.widths = [count * (width + style.gap) - style.gap for count in counts]
        label = max(self.font.getlength(row.label) for row in rows)
        self.label_width = round(label) + LABEL_GAP if label else 0
        *self.lefts, end = accumulate(
            (width + style.group_gap for width in self.widths), initial=self.label_width
        )
        self.width = end - style.group_gap
        self.header = TITLE_HEIGHT if titled else 0
        smallest = CAPTION_SIZE if label else 0
        below = CAPTION_HEIGHT if any(row.captions for row in rows) else 0
        self.height = max(self.cell[1], smallest) + below + style.gap

    def write_titles(
        self, pen: ImageDraw.ImageDraw, titles: Sequence[Sequence[str]], left: int
    ) -> None:
        """Centre each title over its share of the group."""
        middle = self.style.margin + self.header / 2 - 8
        for texts, begin, width in zip(titles, self.lefts, self.widths, strict=True):
            share = (width + self.style.gap) / len(texts)
            for index, text in enumerate(texts):
                centre = left + begin + (index + 0.5) * share - self.style.gap / 2
                pen.text((centre, middle), text, INK, self.title_font, anchor="mm")

    def draw(
        self, sheet: Image.Image, pen: ImageDraw.ImageDraw, row: Row, corner: tuple[int, int]
    ) -> None:
        """Paste the pictures of a row and write its label and captions."""
        left, top = corner
        height = self.cell[1]
        pen.text((left, top + height / 2), row.label, INK, self.font, anchor="lm")
        for pictures, begin in zip(row.groups, self.lefts, strict=True):
            for index, picture in enumerate(pictures):
                at = left + begin + index * (self.cell[0] + self.style.gap)
                sheet.paste(_fitted(picture, self.cell), (at, top))
        below = top + height + CAPTION_HEIGHT / 2
        for group, caption in enumerate(row.captions):
            at = left + self.lefts[group] + (self.widths[group] if group else 0)
            pen.text((at, below), caption, FAINT, self.font, anchor="rm" if group else "lm")


def _opened(picture: Picture) -> Image.Image:
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)


def _fitted(picture: Picture, size: tuple[int, int]) -> Image.Image:
    """A picture on its own quiet ground, as large as a cell."""
    image = _opened(picture)
    if image.mode != "RGB":
        # Onto the ground before resizing: sharpening filters overshoot at transparent edges.
        ground = Image.new("RGBA", image.size, (*PANEL, 255))
        image = Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    method = Image.Resampling.LANCZOS if image.width > size[0] else Image.Resampling.BICUBIC
    return image if image.size == size else image.resize(size, method)
