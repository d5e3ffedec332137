"""Photographs: any image file becomes the square of pixels (and the mask) a bundle reads."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from service.errors import ItemError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
SHORTEST_SIDE = 8
"""Pixels."""
LONGEST_RATIO = 20
"""Longest side over shortest: a square made of a longer strip would hold no detail at all."""
GREY = 128
"""What replaces the pixels of a background, and of an object taken out of its background."""
OBJECT_FILL = 0.7
"""Share of the frame's side that the longer side of an alpha-cut object takes, as in training."""
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""
DETAIL = 4
"""Large images are first brought to about this many times the resolution, which is quick."""


class Frame(NamedTuple):
    """The square of the upright photograph that the camera sees; it may reach outside."""

    left: float
    """Pixels of the upright photograph, from its left edge."""
    top: float
    """Pixels, from its top edge."""
    side: float
    """Pixels."""


class Photograph(NamedTuple):
    """A decoded photograph."""

    pixels: NDArray[np.uint8]
    """[R, R, 3]"""
    detail: NDArray[np.uint8]
    """[D, D, 3]: the same square, finer where the photograph is, for textures."""
    mask: NDArray[np.float32] | None
    """[R, R] in 0..1 from the mask file or the alpha channel; None where the segmenter has to find
    the object."""
    frame: Frame
    size: tuple[int, int]
    """(width, height) of the upright photograph."""


def decode(
    content: bytes,
    resolution: int,  # R
    pixel_limit: int,
    mask_content: bytes | None = None,
    detail: int | None = None,
) -> Photograph:
    """Decode one upload; raises `ItemError` saying what was got, what is allowed, what to do.

    `detail`: D at most; None: as large as can be had at little cost, about `DETAIL` times R.

    `mask_content` is an image file of the same upright size, white on the object; it goes before
    the alpha channel.
    """
    image = _open(content, pixel_limit)
    _check_sides(*image.size)
    width, height = image.size
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (DETAIL * resolution, DETAIL * resolution))
    image, turned = _upright(image)
    size = (height, width) if turned else (width, height)
    scale = size[0] / image.width
    if mask_content is not None:
        coverage = _read_mask(mask_content, size, pixel_limit)
        image = image.convert("RGB")
        image.putalpha(coverage.resize(image.size, Image.Resampling.BOX))
    if mask_content is not None or (image.mode == "RGBA" and image.getextrema()[3][0] < 255):
        pixels, square, mask, frame = _cut_out(image, resolution)
    else:
        pixels, square, frame = _letterbox(image, resolution)
        mask = None
    if detail is not None and square.width > max(detail, resolution):
        square = resize_square(square, max(detail, resolution))
    whole = Frame(*(scale * value for value in frame))
    return Photograph(pixels, np.array(square), mask, whole, size)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """PNG of `[H, W]` grey, `[H, W, 3]` colour or `[H, W, 4]` with alpha."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=3)
    return file.getvalue()


def to_bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values in 0..1 as 0..255."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def resize_longer(pixels: NDArray[np.uint8], longer: int) -> NDArray[np.uint8]:
    """A picture `[H, W, 3]` whose longer side has `longer` pixels, its proportions kept."""
    height, width = scaled(*pixels.shape[:2], longer)
    shrinks = longer < max(pixels.shape[:2])
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(pixels).resize((width, height), method))


def resize_square(square: Image.Image, side: int) -> Image.Image:
    """Area average downwards, bilinear upwards."""
    if square.width % side == 0:
        return square.reduce(square.width // side)  # the same average, three times as fast
    method = Image.Resampling.BOX if square.width > side else Image.Resampling.BILINEAR
    return square.resize((side, side), method)


def scaled(height: int, width: int, longer: int) -> tuple[int, int]:
    """Height and width of the same proportions, the longer one `longer` pixels."""
    scale = longer / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def background_of(pixels: NDArray[np.uint8], mask: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The photograph `[R, R, 3]` with the object's pixels (mask over one half) set to mid grey."""
    return np.where(mask[..., None] > 0.5, np.uint8(GREY), pixels)


def _open(content: bytes, pixel_limit: int) -> Image.Image:
    if not content:
        raise ItemError("empty_file", "the file has 0 bytes: send a JPEG, PNG, WebP or GIF")
    too_large = f"at most {pixel_limit / 1e6:g} megapixels are allowed: make it smaller"
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError:
        raise ItemError(
            "unsupported_format", "the file is not a JPEG, PNG, WebP or GIF: convert it to one"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ItemError("image_too_large", too_large) from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ItemError(
            "unreadable_image", f"the image header is damaged ({error}): save it again"
        ) from error
    if image.width * image.height > pixel_limit:
        raise ItemError("image_too_large", f"image is {image.width}x{image.height} px; {too_large}")
    return image


def _upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """The decoded first frame, turned as EXIF asks, and whether that swapped width and height."""
    try:
        image.load()
        turned = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
        ImageOps.exif_transpose(image, in_place=True)
        return _eight_bit(image), turned
    except Exception as error:  # Pillow's decoders raise a dozen kinds, struct.error among them
        raise ItemError(
            "unreadable_image", f"the image is damaged or cut short ({error}): save it again"
        ) from error


def _read_mask(content: bytes, size: tuple[int, int], pixel_limit: int) -> Image.Image:
    """Grey, white on the object; transparent counts as black."""
    try:
        mask = _open(content, pixel_limit)
        if mask.width * mask.height != size[0] * size[1]:  # before anything is unpacked
            raise _wrong_mask_size(mask.size, size)
        mask, _ = _upright(mask)
    except ItemError as error:
        code = error.code if error.code == "wrong_mask_size" else "unreadable_mask"
        raise ItemError(code, f"mask: {error.message}") from error
    if mask.size != size:
        raise _wrong_mask_size(mask.size, size)
    if mask.mode == "RGBA":
        mask = Image.alpha_composite(Image.new("RGBA", mask.size, "black"), mask)
    return mask.convert("L")


def _wrong_mask_size(got: tuple[int, int], wanted: tuple[int, int]) -> ItemError:
    return ItemError(
        "wrong_mask_size",
        f"the mask is {got[0]}x{got[1]} px and the upright image {wanted[0]}x{wanted[1]} px: "
        "make the mask from this very image",
    )


def _check_sides(width: int, height: int) -> None:
    shortest, longest = sorted((width, height))
    if shortest < SHORTEST_SIDE or longest > LONGEST_RATIO * shortest:
        raise ItemError(
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


def _letterbox(image: Image.Image, resolution: int) -> tuple[NDArray[np.uint8], Image.Image, Frame]:
    """The whole photograph, padded to a square by its edge pixels: at the resolution, and finer."""
    if image.mode != "RGB":
        image = image.convert("RGB")
    full_width = image.width
    if (factor := max(image.size) // (DETAIL * resolution)) > 1:
        image = image.reduce(factor)
    scale = full_width / image.width
    side = max(image.size)
    top, left = (side - image.height) // 2, (side - image.width) // 2
    if image.width != image.height:
        padding = ((top, side - image.height - top), (left, side - image.width - left), (0, 0))
        image = Image.fromarray(np.pad(np.asarray(image), padding, mode="edge"))
    pixels = np.array(resize_square(image, resolution))
    return pixels, image, Frame(-left * scale, -top * scale, side * scale)


def _cut_out(
    image: Image.Image, resolution: int
) -> tuple[NDArray[np.uint8], Image.Image, NDArray[np.float32], Frame]:
    """The object the alpha channel names, centred and large, on mid grey: at the resolution and
    finer; and its mask."""
    box = image.getchannel("A").point(lambda alpha: 255 * (alpha > 127)).getbbox()
    if box is None:
        raise ItemError(
            "transparent_image",
            "the mask or alpha channel hides every pixel: leave the object white or opaque",
        )
    side = max(1, round(max(box[2] - box[0], box[3] - box[1]) / OBJECT_FILL))
    left, top = (box[0] + box[2] - side) // 2, (box[1] + box[3] - side) // 2
    factor = max(1, side // (DETAIL * resolution))
    small = image.reduce(factor, box) if factor > 1 else image.crop(box)
    # Outside the object the frame is transparent. Pillow weights colours by alpha as it averages.
    square = Image.new("RGBA", (-(-side // factor),) * 2)
    square.paste(small, ((box[0] - left) // factor, (box[1] - top) // factor))
    small_rgba = np.asarray(resize_square(square, resolution), np.float32) / 255
    pixels, fine = (_on_grey(np.asarray(each, np.float32)) for each in (255 * small_rgba, square))
    return pixels, Image.fromarray(fine), small_rgba[..., 3], Frame(left, top, side)


def _on_grey(rgba: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colours 0..255 with alpha, [H, W, 4], before mid grey."""
    alpha = rgba[..., 3:] / 255
    return to_bytes((rgba[..., :3] * alpha + GREY * (1 - alpha)) / 255)
