"""The photographs that go into a bundle for people to try it on."""

from pathlib import Path

import numpy as np
from PIL import Image

from graphics.image_files import FORMAT_NAMES, PhotographError, read_upright, transparent_share
from graphics.photographs import LEAST_CUT_OUT
from train.data.photo_set import PIXEL_LIMIT
from train.data.picture_files import photographs_below
from train.data.vehicles import HELD_OUT_SEED, photographs
from train.running.workspace import WorkspaceError

QUALITY = 92  # JPEG quality


class SamplesError(WorkspaceError):
    """No sample can be made; the message says why."""


def write_procedural_samples(folder: Path, count: int, size: int) -> list[Path]:
    """Held-out procedural photographs: objects that no training saw, rendered at `size` pixels."""
    images = photographs(HELD_OUT_SEED, np.arange(count), size).images
    return write_generated_samples(folder, images, count)


def write_folder_samples(folder: Path, source: Path, count: int, size: int) -> list[Path]:
    """The first readable photographs of the user's folder, by name, at most `size` pixels wide.

    They are encoded anew, which drops what a camera wrote beside the pixels (place, owner); one
    that is transparent around its object stays a PNG, as the network was trained on cut-outs.

    Raises:
        SamplesError: not one could be read.
    """
    written: list[Path] = []
    for path in photographs_below(source):
        if len(written) == count:
            break
        try:
            photograph, _ = read_upright(path.read_bytes(), size, PIXEL_LIMIT)
        except (PhotographError, OSError):
            continue  # stage `photographs` has named the unreadable ones
        photograph.thumbnail((size, size))
        written.append(_write(folder, len(written), photograph))
    if not written:
        raise SamplesError(
            f"no photograph in {source} can be read: the bundle needs samples, give {FORMAT_NAMES}"
        )
    return written


def write_generated_samples(folder: Path, images: np.ndarray, count: int) -> list[Path]:
    """The first photographs that stage `photographs` generated, uint8 [N, R, R, 3], as they are."""
    pictures = map(Image.fromarray, images[:count])
    return [_write(folder, number, picture) for number, picture in enumerate(pictures)]


def _write(folder: Path, number: int, photograph: Image.Image) -> Path:
    # New pictures of the pixels alone.
    if transparent_share(photograph) >= LEAST_CUT_OUT:
        path = folder / f"{number:02d}.png"
        Image.fromarray(np.asarray(photograph)).save(path)
        return path
    path = folder / f"{number:02d}.jpg"
    Image.fromarray(np.asarray(photograph.convert("RGB"))).save(path, quality=QUALITY)
    return path
