"""Grids of images as PNG files, for people to look at while a stage trains."""

import io
from pathlib import Path

from PIL import Image
from torch import Tensor

from train.running.workspace import write_atomically


def write_grid(path: Path, images: Tensor, columns: int, enlarge: int = 1) -> None:
    """Write images [N, 3, H, W] in 0..1 as one PNG, row by row, `columns` to a row."""
    count, _, height, width = images.shape
    rows = -(-count // columns)
    pixels = (images.detach().float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu()
    canvas = Image.new("RGB", (columns * width, rows * height), (40, 40, 40))
    for place, image in enumerate(pixels.numpy()):
        canvas.paste(Image.fromarray(image), (place % columns * width, place // columns * height))
    if enlarge > 1:
        canvas = canvas.resize((canvas.width * enlarge, canvas.height * enlarge), Image.NEAREST)
    content = io.BytesIO()
    canvas.save(content, "PNG")
    write_atomically(path, content.getvalue())
