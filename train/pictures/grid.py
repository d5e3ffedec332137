"""Grids of images as PNG files, for people to look at: of any images, or of a generator's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from graphics.camera import NOMINAL_DISTANCE
from graphics.sheet import Row, Style, png_of, sheet_of
from train.models.generated import as_pixels, generate
from train.models.generator import Generator
from train.running.workspace import write_atomically

CONTENTS, VIEWS = 8, 12
"""Codes of a generator's grid."""
ELEVATION_DEGREES = 12.0
SEED = 7
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


@torch.no_grad()
def view_grid(generator: Generator) -> Image.Image:
    """The grid of the fixed codes: rows are content codes, columns views."""
    rng = torch.Generator().manual_seed(SEED)
    device = generator.constant.device
    contents = torch.randn((CONTENTS, generator.shape.code), generator=rng)
    if generator.camera_mapping is not None:
        cameras = torch.zeros(VIEWS, 5)
        cameras[:, 0] = torch.arange(VIEWS) * (360.0 / VIEWS)
        cameras[:, 1] = ELEVATION_DEGREES
        cameras[:, 2] = NOMINAL_DISTANCE
        views = generator.camera_mapping(cameras.to(device))
    else:
        codes = torch.randn((VIEWS, generator.shape.code), generator=rng)
        views = generator.mapping(codes.to(device))
    content = generator.mapping(contents.to(device)).repeat_interleave(VIEWS, dim=0)
    # Without noise, as the later stages render their data.
    images = generate(generator, content, views.repeat(CONTENTS, 1))
    return grid_of(images, columns=VIEWS)


def write_view_grid(generator: Generator, path: Path) -> None:
    """Write the grid as a PNG."""
    write_atomically(path, png_of(view_grid(generator)))
