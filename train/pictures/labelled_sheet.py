"""Labelled sheets: rows of images with a label in front of each row, as one PNG."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from train.running.workspace import write_atomically

LABEL_WIDTH = 44
"""Pixels; room for a four-digit number and a sign."""
SMALLEST_ROW = 12
"""Pixels; a label has to fit."""
BACKGROUND = (255, 255, 255)


def write_labelled_sheet(
    path: Path,
    images: np.ndarray,  # uint8 [rows, columns, R, R, 3]
    labels: Sequence[str],  # one per row
    blocks: int = 1,
) -> None:
    """Write the rows below each other, in `blocks` columns of rows, read downwards."""
    rows, columns, side = images.shape[:3]
    per_block = -(-rows // blocks)
    height, width = max(side, SMALLEST_ROW) + 2, LABEL_WIDTH + columns * side
    sheet = Image.new("RGB", (blocks * width, per_block * height), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for row, label in enumerate(labels):
        left, top = row // per_block * width, row % per_block * height
        pen.text((left + 4, top + height // 2 - 6), label, fill=(0, 0, 0))
        strip = Image.fromarray(np.concatenate(list(images[row]), axis=1))
        sheet.paste(strip, (left + LABEL_WIDTH, top + 1))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    write_atomically(path, content.getvalue())
