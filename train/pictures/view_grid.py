"""What a generator makes of fixed codes, as a grid of pictures."""

from pathlib import Path

import torch
from PIL import Image

from graphics.camera import NOMINAL_DISTANCE
from graphics.sheet import png_of
from train.models.generated import generate
from train.models.generator import Generator
from train.pictures.grid import grid_of
from train.running.workspace import write_atomically

CONTENTS, VIEWS = 8, 12
ELEVATION_DEGREES = 12.0
SEED = 7


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
