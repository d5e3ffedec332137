"""Draws what a soft mask's gradient is: the picture of the renderer's page.

    python -m tests.benchmarks.gradient_picture --out docs/soft_mask_gradient.png

From left to right: the hard mask; the soft one as trained with; a softer one, so that it shows;
and for that one where a loss that wants a larger object pulls the vertices.
"""

import argparse
import math
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from tests.benchmarks.scenes import Scene, scene
from train.renderer import dibr

SIZE, ENLARGE, OBJECT = 48, 8, 15
SETTINGS = ((7000.0, 0.08), (300.0, 0.15))
"""sigmainv and boxlen of the two soft masks."""
LONGEST_ARROW, SHORTEST_ARROW = 52, 6
"""Pixels of the picture; shorter ones are left out."""
ARROW, VERTEX = (255, 90, 30), (40, 140, 255)
"""Colours."""


def masks(drawn: Scene) -> tuple[list[Tensor], Tensor]:
    """The masks [R, R] from hard to soft, and the last one's gradient [V, 2]."""
    flat, batch = drawn.faces.flatten(), len(drawn.features)
    corners = drawn.vertices_image.index_select(1, flat).view(batch, -1, 3, 2)
    z = drawn.vertices_z.index_select(1, flat).view(batch, -1, 3)
    _, seen = dibr.rasterize(SIZE, SIZE, z, corners, drawn.features, drawn.normals_z >= 0)
    soft = [
        dibr.dibr_soft_mask(corners, seen, sigmainv, boxlen, knum=60)
        for sigmainv, boxlen in SETTINGS
    ]
    (gradient,) = torch.autograd.grad(soft[-1].sum(), drawn.vertices_image)
    found = [(seen >= 0).float(), *soft]
    return [mask[OBJECT].detach() for mask in found], gradient[OBJECT]


def panel(mask: Tensor) -> Image.Image:
    """Grey, every pixel a square."""
    grey = Image.fromarray((mask * 255).round().byte().numpy())
    return grey.resize((SIZE * ENLARGE,) * 2, Image.Resampling.NEAREST).convert("RGB")


def arrows(image: Image.Image, vertices: Tensor, gradient: Tensor) -> Image.Image:
    """Lines from vertices along their gradient; a dot marks the vertex."""
    pen, side = ImageDraw.Draw(image), SIZE * ENLARGE
    scale = LONGEST_ARROW / gradient.norm(dim=1).max()
    for (x, y), (to_x, to_y) in zip(vertices.tolist(), (gradient * scale).tolist(), strict=True):
        if math.hypot(to_x, to_y) < SHORTEST_ARROW:
            continue
        start = ((x + 1) / 2 * side, (1 - y) / 2 * side)
        end = (start[0] + to_x, start[1] - to_y)
        pen.line([start, end], fill=ARROW, width=4)
        pen.circle(start, 3, fill=VERTEX)
    return image


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    drawn = scene(1_280, SIZE, OBJECT + 1, torch.device("cpu"))
    found, gradient = masks(drawn)
    vertices = drawn.vertices_image[OBJECT].detach()
    panels = [*map(panel, found), arrows(panel(found[-1] * 0.5), vertices, gradient)]
    width, gap = SIZE * ENLARGE, 8
    sheet = Image.new("RGB", (len(panels) * (width + gap) - gap, width), (255, 255, 255))
    for place, image in enumerate(panels):
        sheet.paste(image, (place * (width + gap), 0))
    sheet.save(parser.parse_args().out, optimize=True)


if __name__ == "__main__":
    main()
