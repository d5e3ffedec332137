"""Grids of images as PNG files, for people to look at while a stage trains."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from graphics.sheet import Row, Style, png_of, sheet_of
from train.models.generated import as_pixels
from train.running.workspace import write_atomically

LABELLED = Style(gap=2, group_gap=12, margin=6)


def grid_of(images: Tensor, columns: int, enlarge: int = 1) -> Image.Image:
    """Images [N, 3, H, W] in 0..1 as one, row by row, `columns` to a row."""
    pixels = list(as_pixels(images.detach().float().clamp(0, 1)).numpy())
    rows = [Row([pixels[start : start + columns]]) for start in range(0, len(pixels), columns)]
    return sheet_of(rows, style=Style(images.shape[-1] * enlarge))


def write_grid(path: Path, images: Tensor, columns: int, enlarge: int = 1) -> None:
    """Write the grid of images as a PNG."""
    write_atomically(path, png_of(grid_of(images, columns, enlarge)))


def write_labelled_rows(
    path: Path,
    rows: Mapping[str, Sequence[NDArray[np.uint8]]],  # label -> pictures [R, R, 3]
    blocks: int = 1,
) -> None:
    """Write rows with a label in front of each, in `blocks` columns of rows, read downwards."""
    labelled = [Row([pictures], label) for label, pictures in rows.items()]
    write_atomically(path, png_of(sheet_of(labelled, style=LABELLED, blocks=blocks)))
