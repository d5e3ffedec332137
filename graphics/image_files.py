"""Files of photographs, of any format that is taken, as upright pictures of 8 bits a channel."""

from __future__ import annotations

import io

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
SHORTEST_SIDE = 8  # pixels
LONGEST_RATIO = 20
"""Longest side over shortest: a square made of a longer strip would hold no detail at all."""
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height


class PhotographError(Exception):
    """A file cannot be used; the message says what was got, what is allowed, what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """A stable name for programs."""
        self.message = message


def read_upright(
    content: bytes,
    needed: int,  # pixels of its shorter side; a larger JPEG is decoded at a fraction of its size
    pixel_limit: int,
) -> tuple[Image.Image, tuple[int, int]]:
    """An image file as RGB or RGBA, 8 bits a channel, upright, with its own (width, height).

    Raises:
        PhotographError: it cannot be read, or its sides are not what a photograph has.
    """
    image = open_file(content, pixel_limit)
    _check_sides(*image.size)
    width, height = image.size
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (needed, needed))
    image, turned = upright(image)
    return image, (height, width) if turned else (width, height)


def has_transparency(image: Image.Image) -> bool:
    """Whether an alpha channel hides anything."""
    return image.mode == "RGBA" and any(image.getchannel("A").histogram()[:255])


def open_file(content: bytes, pixel_limit: int) -> Image.Image:
    """The file's header; its pixels are not unpacked yet. Raises `PhotographError`."""
    if not content:
        raise PhotographError("empty_file", "the file has 0 bytes: send a JPEG, PNG, WebP or GIF")
    too_large = f"at most {pixel_limit / 1e6:g} megapixels are allowed: make it smaller"
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise PhotographError(
            "unsupported_format", "the file is not a JPEG, PNG, WebP or GIF: convert it to one"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PhotographError("image_too_large", too_large) from None
    except Exception as error:  # Pillow's readers raise a dozen kinds, struct.error among them
        raise PhotographError(
            "unreadable_image", f"the image header is damaged ({error}): save it again"
        ) from error
    if image.width * image.height > pixel_limit:
        raise PhotographError(
            "image_too_large", f"image is {image.width}x{image.height} px; {too_large}"
        )
    return image


def upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """The decoded first frame, turned as EXIF asks, and whether that swapped width and height.

    Raises `PhotographError`.
    """
    try:
        image.load()
        turned = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
        ImageOps.exif_transpose(image, in_place=True)
        return _eight_bit(image), turned
    except Exception as error:
        raise PhotographError(
            "unreadable_image", f"the image is damaged or cut short ({error}): save it again"
        ) from error


def _check_sides(width: int, height: int) -> None:
    shortest, longest = sorted((width, height))
    if shortest < SHORTEST_SIDE or longest > LONGEST_RATIO * shortest:
        raise PhotographError(
            "image_too_narrow",
            f"image is {width}x{height} px; sides must be at least {SHORTEST_SIDE} px and at most "
            f"{LONGEST_RATIO} times each other: crop it around the object",
        )


def _eight_bit(image: Image.Image) -> Image.Image:
    """RGB or RGBA, 8 bits a channel, of any mode; an animation gives its first frame."""
    if image.mode.startswith("I"):
        # Pillow clips 16 bits to 255 instead of scaling them.
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    has_alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    mode = "RGBA" if has_alpha else "RGB"
    return image if image.mode == mode else image.convert(mode)
