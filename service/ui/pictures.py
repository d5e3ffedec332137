"""Photographs as browsers can show them: upright, in sRGB, of a size for a screen."""

import io
from typing import NamedTuple

from PIL import Image

from graphics.image_files import read_upright

LONGEST_SIDE = 1024
PIXEL_LIMIT = 50_000_000
"""As the service's own default: a page shows no more than can be sent."""
QUALITY = 88
BEHIND = (128, 128, 128)
"""Behind transparent pixels, as the service has it."""


class Picture(NamedTuple):
    """A photograph to show."""

    jpeg: bytes
    size: tuple[int, int]
    """Width and height of the upright photograph itself, to which boxes and frames refer."""


def picture_of(content: bytes) -> Picture:
    """A photograph of any format that the service takes.

    Raises:
        PhotographError: it cannot be read; the service says the same.
    """
    upright, size = read_upright(content, LONGEST_SIDE, PIXEL_LIMIT)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if upright.mode == "RGBA":
        plain = Image.new("RGB", upright.size, BEHIND)
        plain.paste(upright, mask=upright.getchannel("A"))
        upright = plain
    written = io.BytesIO()
    upright.convert("RGB").save(written, "JPEG", quality=QUALITY)
    return Picture(written.getvalue(), size)
