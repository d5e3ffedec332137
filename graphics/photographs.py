"""Photographs: any image file becomes the square of pixels (and the mask) that a network reads.

Training and service both read photographs by this file alone, so that a network is served what it
was trained on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.image_files import (
    PhotographError,
    has_transparency,
    open_file,
    read_upright,
    upright,
)

GREY = 128  # what replaces the pixels of a background, and of an object taken out of its background
OBJECT_FILL = 0.7  # share of the frame's side that the longer side of a cut-out object takes
DETAIL = 4  # large images are first brought to about this many times the resolution, which is quick
HALF, LEAST_TRANSPARENT = 128, 0.01
"""A mask file is a cut-out, read by its alpha channel, where at least this share of its pixels is
more than half transparent; else white is the object, whatever its alpha channel."""
PROPORTIONS = 0.02  # how far the proportions of a mask of another size may be from the photograph's


class Frame(NamedTuple):
    """The square of the upright photograph that the camera sees; it may reach outside."""

    left: float  # pixels of the upright photograph, from its left edge
    top: float  # pixels, from its top edge
    side: float  # pixels


class Photograph(NamedTuple):
    """A decoded photograph."""

    pixels: NDArray[np.uint8]
    """[R, R, 3]; mid grey around an object whose mask is known."""
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
    scaled_mask: bool = False,
) -> Photograph:
    """Decode one image file of a single object.

    A mask file or a transparent part says where the object is: it is then cut out, on grey, so that
    it takes `OBJECT_FILL` of the square. Any other photograph is padded to a square by its edges.

    `mask_content` is an image file of the same upright size, white on the object; it goes before
    the alpha channel. In one with transparent pixels, its own alpha channel names the object.

    `detail`: D at most; None: as large as can be had at little cost, about `DETAIL` times R.

    `scaled_mask`: a mask of another size, but of the photograph's proportions, will do.

    Raises:
        PhotographError: the photograph or its mask cannot be used.
    """
    # An object takes but a part of its photograph.
    needed = DETAIL * resolution * (1 if mask_content is None else DETAIL)
    image, size = read_upright(content, needed, pixel_limit)
    scale = size[0] / image.width
    if mask_content is not None:
        coverage = _read_mask(mask_content, size, pixel_limit, scaled_mask)
        image = image.convert("RGB")
        image.putalpha(_resized(coverage, image.size))
    if cut := mask_content is not None or has_transparency(image):
        square, frame = _cut_out(image, resolution)
    else:
        square, frame = _letterbox(image, resolution)
    pixels, mask = np.array(resize_square(square, resolution)), None
    if cut:
        mask = pixels[..., 3].astype(np.float32) / np.float32(255)
        pixels = _on_grey(pixels)
        square = Image.fromarray(_on_grey(np.asarray(square)))
    if detail is not None and square.width > max(detail, resolution):
        square = resize_square(square, max(detail, resolution))
    whole = Frame(*(scale * value for value in frame))
    return Photograph(pixels, np.array(square), mask, whole, size)


def decode_square(
    content: bytes,
    resolution: int,  # R
    pixel_limit: int,
    frame: Frame,
) -> NDArray[np.uint8]:  # [R, R, 3]
    """One square of an image file with all that it shows; edges go on where it reaches outside.

    Raises:
        PhotographError: the photograph cannot be used.
    """
    image, size = read_upright(content, DETAIL * DETAIL * resolution, pixel_limit)
    left, top, side = (round(value * image.width / size[0]) for value in frame)
    rows, columns = (
        np.clip(np.arange(first, first + max(side, 1)), 0, length - 1)
        for first, length in ((top, image.height), (left, image.width))
    )
    square = np.asarray(image.convert("RGB")).take(rows, 0).take(columns, 1)
    return np.array(resize_square(Image.fromarray(square), resolution))


def frame_around(left: float, top: float, right: float, bottom: float) -> Frame:
    """The square around an object's box, all in pixels of the upright photograph.

    Raises:
        PhotographError: the box has no size.
    """
    if not (right > left and bottom > top):
        box = f"{left:g}, {top:g}, {right:g}, {bottom:g}"
        raise PhotographError(
            "empty_box", f"the box {box} has no size: give left, top, right, bottom"
        )
    side = max(1, round(max(right - left, bottom - top) / OBJECT_FILL))
    return Frame((left + right - side) // 2, (top + bottom - side) // 2, side)


def resize_square(square: Image.Image, side: int) -> Image.Image:
    """Area average downwards, bilinear upwards."""
    if square.width % side == 0:
        return square.reduce(square.width // side)  # the same average, three times as fast
    return _resized(square, (side, side))


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    method = Image.Resampling.BOX if image.width > size[0] else Image.Resampling.BILINEAR
    return image.resize(size, method)


def _read_mask(
    content: bytes, size: tuple[int, int], pixel_limit: int, scaled: bool
) -> Image.Image:
    """Grey, white on the object."""
    try:
        mask = open_file(content, pixel_limit)
        if not scaled and mask.width * mask.height != size[0] * size[1]:  # nothing is unpacked yet
            raise _wrong_mask_size(mask.size, size)
        mask, _ = upright(mask)
    except PhotographError as error:
        code = error.code if error.code == "wrong_mask_size" else "unreadable_mask"
        raise PhotographError(code, f"mask: {error.message}") from error
    stretched = mask.width * size[1] / (mask.height * size[0])
    if abs(stretched - 1) > PROPORTIONS if scaled else mask.size != size:
        raise _wrong_mask_size(mask.size, size)
    if has_transparency(mask):
        alpha = mask.getchannel("A")
        transparent = np.count_nonzero(np.asarray(alpha) < HALF) / (mask.width * mask.height)
        if transparent >= LEAST_TRANSPARENT:  # a cut-out, whose object may well be dark
            return alpha
    return mask.convert("L")


def _wrong_mask_size(got: tuple[int, int], wanted: tuple[int, int]) -> PhotographError:
    return PhotographError(
        "wrong_mask_size",
        f"the mask is {got[0]}x{got[1]} px and the upright image {wanted[0]}x{wanted[1]} px: "
        "make the mask from this very image",
    )


def _letterbox(image: Image.Image, resolution: int) -> tuple[Image.Image, Frame]:
    """The whole photograph, RGB, not much finer than it has to be, padded to a square by its edge
    pixels."""
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
    return image, Frame(-left * scale, -top * scale, side * scale)


def _cut_out(image: Image.Image, resolution: int) -> tuple[Image.Image, Frame]:
    """The object that the alpha channel names, RGBA, not much finer than it has to be, centred and
    large."""
    box = image.getchannel("A").point([0] * 128 + [255] * 128).getbbox()
    if box is None:
        raise PhotographError(
            "transparent_image",
            "the mask or alpha channel hides every pixel: leave the object white or opaque",
        )
    frame = frame_around(*box)
    left, top, side = map(int, frame)
    factor = max(1, side // (DETAIL * resolution))
    small = image.reduce(factor, box) if factor > 1 else image.crop(box)
    # Outside the object the frame is transparent. Pillow weights colours by alpha as it averages.
    shrunk = -(-side // factor)
    square = Image.new("RGBA", (shrunk, shrunk))
    square.paste(small, ((box[0] - left) // factor, (box[1] - top) // factor))
    return square, frame


def _on_grey(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H, W, 4] before mid grey."""
    alpha = rgba[..., 3:] / np.float32(255)
    return np.rint(rgba[..., :3] * alpha + GREY * (1 - alpha)).astype(np.uint8)
