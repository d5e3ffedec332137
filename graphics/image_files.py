"""Files of photographs, of any format that is taken, as upright pictures of 8 bits a channel."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pi_heif
from PIL import AvifImagePlugin, ExifTags, Image, UnidentifiedImageError

from graphics.coded_sizes import coded_pictures
from graphics.colour_profiles import changes_colours, to_srgb
from graphics.file_kinds import ZIP, kind_of

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF")
FORMAT_NAMES = "JPEG, PNG, WebP, GIF, HEIC or AVIF"
"""The same for people; HEIC is what phones call HEIF."""
BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
"""What stands after `ftyp` in files of the last two formats."""
MOST_PIXELS = 256_000_000
"""Of any image file: more than the largest sensors of phones have (200 megapixels). No limit may be
higher: Pillow refuses twice as many by itself."""
SUM_OF_STREAMS = 4
"""Pixels of all streams of an AVIF over those allowed: colours and alpha, and once more each where
it is animated."""
WHOLE = MOST_PIXELS
"""Pixels that are needed of a side: all there are."""
SHORTEST_SIDE = 8  # pixels
LONGEST_RATIO = 20
"""Longest side over shortest: a square made of a longer strip would hold no detail at all."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientations -> what makes the picture upright."""
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
PLAIN_MODES = {"P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
"""Pillow's modes -> those whose numbers are colours."""
GREY_STEPS = {"L;2": 85, "L;4": 17}
"""PNG of fewer bits -> what Pillow multiplies its greys by, but not the transparent one."""
WIDE_COLOURS = "RGB;16B"  # PNG of 16 bits a channel, of which Pillow keeps the upper eight

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
# One photograph, one thread: many are decoded at a time.
pi_heif.register_heif_opener(decode_threads=1, thumbnails=False)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


class PhotographError(Exception):
    """A file cannot be used; the message says what was got, what is allowed, what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """A stable name for programs."""
        self.message = message


class ZipError(PhotographError):
    """The file is a ZIP."""


def read_upright(
    content: bytes,
    needed: int,  # pixels of its shorter side; a larger file may come at a fraction of its size
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
    image, orientation = unpacked(image)
    with _blaming_the_file():
        image = _in_srgb(image, needed)
    size = (height, width) if orientation in SIDEWAYS else (width, height)
    return turned(image, orientation), size


def jpeg_size(content: bytes, pixel_limit: int) -> tuple[int, int] | None:
    """(width, height) of an upright JPEG, by its head; None of other files. Raises as above."""
    image = open_file(content, pixel_limit)
    _check_sides(*image.size)
    if image.format not in ("JPEG", "MPO"):
        return None
    width, height = image.size
    return (height, width) if _orientation(image) in SIDEWAYS else (width, height)


def transparent_share(image: Image.Image) -> float:
    """The share of its pixels that an alpha channel makes more than half transparent, 0..1."""
    if image.mode != "RGBA":
        return 0.0
    return sum(image.getchannel("A").histogram()[:128]) / (image.width * image.height)


def open_file(content: bytes, pixel_limit: int) -> Image.Image:
    """The file's header; its pixels are not unpacked yet. Raises `PhotographError`."""
    if not content:
        raise PhotographError("empty_file", f"the file has 0 bytes: send a {FORMAT_NAMES}")
    too_large = f"at most {pixel_limit / 1e6:g} megapixels are allowed: make it smaller"
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise _unidentified(content) from None
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
    if image.format == "AVIF" and _understated(content, pixel_limit):
        raise PhotographError("image_too_large", f"its AV1 streams are larger; {too_large}")
    return image


def _understated(content: bytes, pixel_limit: int) -> bool:
    """Whether an AVIF holds more than its header says, and than is allowed."""
    with _blaming_the_file():
        sizes = [picture.pixels for picture in coded_pictures(content)]
    return max(sizes) > pixel_limit or sum(sizes) > SUM_OF_STREAMS * pixel_limit


def unpacked(image: Image.Image) -> tuple[Image.Image, int]:
    """The decoded first frame as it is stored, and the EXIF orientation, 1 where there is none.

    Raises `PhotographError`.
    """
    with _blaming_the_file():
        tiles: Any = getattr(image, "tile", None)  # of an image that is still in its file
        stored = tiles[0].args if image.format == "PNG" and tiles else None
        image.load()
        value = image.info.get("transparency")
        if isinstance(value, int) and isinstance(stored, str):
            image.info["transparency"] = value * GREY_STEPS.get(stored, 1)
        elif isinstance(value, tuple) and stored == WIDE_COLOURS:
            image.info["transparency"] = tuple(channel >> 8 for channel in value)
    return image, _orientation(image)


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as EXIF asks for it."""
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


@contextmanager
def _blaming_the_file() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        raise PhotographError(
            "unreadable_image", f"the image is damaged or cut short ({error}): save it again"
        ) from error


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # the note is damaged, as many programs leave it; the picture is not
        return 1


def _unidentified(content: bytes) -> PhotographError:
    if content[4:8] == b"ftyp" and content[8:12] in BRANDS:
        return PhotographError(
            "unreadable_image",
            "the file is a HEIC or AVIF by its head, but damaged, cut short or of a kind that is "
            "not read: save it again, or as JPEG",
        )
    kind = kind_of(content)
    if kind is None:
        message = f"the file is not a {FORMAT_NAMES}: convert it to one"
        return PhotographError("unsupported_format", message)
    if kind.damaged:
        message = f"the file is {kind.name} by its head, but damaged or cut short: {kind.advice}"
        return PhotographError("unreadable_image", message)
    message = f"the file is {kind.name}, not a {FORMAT_NAMES}: {kind.advice}"
    return (ZipError if kind is ZIP else PhotographError)("unsupported_format", message)


def _check_sides(width: int, height: int) -> None:
    shortest, longest = sorted((width, height))
    if shortest < SHORTEST_SIDE or longest > LONGEST_RATIO * shortest:
        raise PhotographError(
            "image_too_narrow",
            f"image is {width}x{height} px; sides must be at least {SHORTEST_SIDE} px and at most "
            f"{LONGEST_RATIO} times each other: crop it around the object",
        )


def eight_bit(image: Image.Image) -> Image.Image:
    """8 bits a channel, of any mode, transparency as an alpha channel; the first frame."""
    if image.mode.startswith("I"):
        return _scaled_down(image)
    if "transparency" in image.info:
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    return image.convert(PLAIN_MODES[image.mode]) if image.mode in PLAIN_MODES else image


def _in_srgb(image: Image.Image, needed: int) -> Image.Image:
    """RGB or RGBA, 8 bits a channel, in the colours that networks read."""
    profile = image.info.get("icc_profile")
    image = eight_bit(image)
    if changes_colours(profile, image.mode):
        if (factor := min(image.size) // needed) > 1:  # 20 megapixels take two seconds
            image = image.reduce(factor)
        image = to_srgb(image, profile)
    mode = "RGBA" if image.mode in ("LA", "RGBA") else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _scaled_down(image: Image.Image) -> Image.Image:
    """Grey of 16 bits as grey of 8, with alpha where a value stands for nothing."""
    values = np.asarray(image).astype(np.uint32)
    # Pillow clips 16 bits to 255 instead of scaling them.
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    if isinstance(nothing := image.info.get("transparency"), int):
        grey.putalpha(Image.fromarray(np.where(values == nothing, 0, 255).astype(np.uint8)))
    return grey
