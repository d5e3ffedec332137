"""What a generator makes of fixed codes, as a grid of pictures."""

from pathlib import Path

import torch

from graphics.camera import NOMINAL_DISTANCE
from train.models.generated import generate
from train.models.generator import Generator
from train.pictures.grid import write_grid

CONTENTS, VIEWS = 8, 12
ELEVATION_DEGREES = 12.0
SEED = 7


@torch.no_grad()
def write_view_grid(generator: Generator, path: Path) -> None:
    """Write the grid of the fixed codes as a PNG: rows are content codes, columns views."""
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
    write_grid(path, images, columns=VIEWS)
