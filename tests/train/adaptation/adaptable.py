"""A tiny bundle that brings its weights, and a folder of labelled photographs that it can read."""

from pathlib import Path

from PIL import Image, ImageDraw

from tests.train.stages.tiny_run import tiny_config, tiny_run
from train.stages import disentangle, export, neural

WIDTH, HEIGHT = 60, 40


def write_adaptable(folder: Path) -> Path:
    """The bundle of a run with tiny, untrained networks; returns its folder."""
    config = tiny_config(warmup_steps=1, steps=0)
    workspace = tiny_run(folder, config)
    disentangle.run(config, workspace)
    neural.run(config, workspace)
    export.run(config, workspace)
    return workspace.stage("export").path / "bundle"


def photograph(number: int) -> Image.Image:
    """A block on transparent ground, whose darker part moves with the number."""
    image = Image.new("RGBA", (WIDTH, HEIGHT), (255, 255, 255, 0))
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 8, 48, 30), fill=(210, 30 * number % 256, 20, 255))
    draw.rectangle((10, 8, 14 + 4 * number, 15), fill=(20, 20, 40, 255))
    return image


def write_photographs(folder: Path, count: int, labels: int | None = None) -> Path:
    """Photographs `0.png` and so on, the first `labels` of them (default: all) in `photos.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        photograph(number).save(folder / f"{number}.png")
    labels = count if labels is None else labels
    rows = [f"{number}.png,{40 * number}" for number in range(labels)]
    if rows:
        (folder / "photos.csv").write_text("\n".join(["file,azimuth_degrees", *rows]) + "\n")
    return folder
