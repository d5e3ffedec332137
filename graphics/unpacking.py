"""How much memory a photograph takes while it is unpacked, by the heads of its files."""

from graphics.coded_sizes import coded_pictures
from graphics.frames import needed_side
from graphics.image_files import WHOLE, PhotographError, open_file

BYTES_A_PIXEL = 8
"""Of most formats, measured: the decoded picture and one copy of it."""
COPIES = {"WEBP": 2, "HEIF": 3, "AVIF": 3}
"""Formats whose decoders hold more -> how often as much, measured."""


def pixels_unpacked(
    content: bytes,
    resolution: int,  # R
    pixel_limit: int,
    mask_content: bytes | None = None,
    boxed: bool = False,
) -> int:
    """How many pixels of 8 bytes `graphics.photographs.open_photograph` fills memory with at most.

    A JPEG is unpacked at a fraction of its size; what cannot be read is not unpacked at all. The
    arguments are those of that function.
    """
    needed = needed_side(resolution, boxed or mask_content is not None)
    pixels = _pixels(content, needed, pixel_limit)
    return pixels if mask_content is None else pixels + _pixels(mask_content, WHOLE, pixel_limit)


def _pixels(content: bytes, needed: int, pixel_limit: int) -> int:
    try:
        image = open_file(content, pixel_limit)
    except PhotographError:
        return 0
    stored = image.width * image.height
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (needed, needed))
        whole = stored // 2 if image.info.get("progressive") else 0  # all its coefficients at once
        return image.width * image.height + whole
    if image.mode.startswith("I"):  # 16 bits
        return 2 * stored
    pixels = COPIES.get(image.format or "", 1) * stored
    if image.format == "AVIF":  # its streams are decoded at their own sizes
        return max(pixels, sum(picture.most for picture in coded_pictures(content)))
    return pixels
