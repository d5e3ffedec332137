"""Photographs: any image file becomes the square of pixels (and the mask) that a network reads, in
training and service alike."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.averages import (
    CutOut,
    Place,
    average_cut_out,
    average_square,
    resize_square,
    resized,
)
from graphics.frames import DETAIL, Frame, frame_around, needed_side
from graphics.image_files import jpeg_size, read_upright, transparent_share
from graphics.mask_files import object_box, read_mask

GREY = 128  # what replaces the pixels of a background, and of an object taken out of its background
LEAST_CUT_OUT = 0.05
"""An alpha channel names the object where it makes at least this share of the pixels more than half
transparent. Less is the rounded corner of a screenshot, or a stray pixel, and hides nothing."""


class Photograph(NamedTuple):
    """A decoded photograph."""

    pixels: NDArray[np.uint8]
    """[R, R, 3]; mid grey around an object whose mask is known."""
    detail: NDArray[np.uint8]
    """[D, D, 3]: the same square, finer where the photograph is, for textures."""
    mask: NDArray[np.float32] | None
    """[R, R] in 0..1 from the mask file, the alpha channel or a segmenter; None where it is not
    known."""
    frame: Frame
    size: tuple[int, int]
    """(width, height) of the upright photograph."""
    rival_share: float | None = None
    """How much the best of the other objects that the segmenter found counts, as a share of this
    one; None where no segmenter was asked."""
    scene: NDArray[np.uint8] | None = None
    """[R, R, 3]: the same square with what surrounds the object; None where `pixels` show it."""

    @property
    def surroundings(self) -> NDArray[np.uint8]:
        """[R, R, 3]: the square with what is around the object."""
        return self.pixels if self.scene is None else self.scene


class Opened(NamedTuple):
    """An image file whose pixels are unpacked, and nothing else."""

    image: Image.Image
    """Upright, RGB; or RGBA, whose alpha channel the coverage then is. A large one may be smaller
    than its file says."""
    size: tuple[int, int]
    """(width, height) of the upright photograph."""
    coverage: Image.Image | None = None
    """Grey, white on the object, as large as the image or, as it was read at a fraction, as the
    photograph; None where the object is not known."""
    surrounded: bool = False
    """Whether the pixels around a known object are the photograph's, not a cut-out's leftovers."""

    @property
    def scale(self) -> float:
        """Pixels of the photograph per pixel of the image."""
        return self.size[0] / self.image.width

    @property
    def masked(self) -> bool:
        """Whether the object is known."""
        return self.coverage is not None


def decode(
    content: bytes,
    resolution: int,  # R
    pixel_limit: int,
    mask_content: bytes | None = None,
    detail: int | None = None,
    scaled_mask: bool = False,
) -> Photograph:
    """Decode one image file of a single object: cut out where it is known, else the whole.

    The arguments are those of `open_photograph` and `cut_out`.

    Raises:
        PhotographError: the photograph or its mask cannot be used.
    """
    opened = open_photograph(content, resolution, pixel_limit, mask_content, scaled_mask)
    return (cut_out if opened.masked else letterbox)(opened, resolution, detail)


def open_photograph(
    content: bytes,
    resolution: int,  # R: of what will be made of it
    pixel_limit: int,
    mask_content: bytes | None = None,
    scaled_mask: bool = False,
    boxed: bool = False,
) -> Opened:
    """Unpack one image file, whose object a mask file or its alpha channel may name.

    An alpha channel does where at least `LEAST_CUT_OUT` of the pixels are more than half
    transparent; else it is left out of account.

    `mask_content` is an image file of the same upright size, white on the object; it goes before
    the alpha channel. In one with transparent pixels, its own alpha channel names the object.

    `scaled_mask`: a mask of another size, but of the photograph's proportions, will do.

    `boxed`: a box will be cut out of it.

    Raises:
        PhotographError: the photograph or its mask cannot be used, or a JPEG's mask is black.
    """
    if mask_content is not None:
        return _open_masked(content, resolution, pixel_limit, mask_content, scaled_mask)
    needed = needed_side(resolution, boxed)
    image, size = read_upright(content, needed, pixel_limit)
    if transparent_share(image) >= LEAST_CUT_OUT:
        return Opened(image, size, image.getchannel("A"))
    image = _opaque(image)
    # No more is kept until a segmenter has found the object than of a JPEG, read at a fraction.
    factor = min(image.size) // needed
    return Opened(image.reduce(factor) if factor > 1 else image, size)


def _open_masked(
    content: bytes, resolution: int, pixel_limit: int, mask_content: bytes, scaled_mask: bool
) -> Opened:
    """Reads the mask of a JPEG first, which says at what fraction of its size it is unpacked."""
    known = jpeg_size(content, pixel_limit)
    coverage, needed = None, needed_side(resolution, True)
    if known is not None:
        coverage = read_mask(mask_content, known, pixel_limit, scaled_mask)
        side = frame_around(*object_box(np.asarray(coverage))).side
        needed = min(needed, ceil(DETAIL * resolution * min(coverage.size) / side))
    image, size = read_upright(content, needed, pixel_limit)
    if coverage is None:
        coverage = read_mask(mask_content, size, pixel_limit, scaled_mask)
    if needed == needed_side(resolution, True) or coverage.size != size:
        coverage = resized(coverage, image.size)
    surrounded = transparent_share(image) < LEAST_CUT_OUT
    return Opened(_opaque(image), size, coverage, surrounded)


def _opaque(image: Image.Image) -> Image.Image:
    """RGB; the picture itself, not a copy, where it is."""
    return image if image.mode == "RGB" else image.convert("RGB")


def cut_out(opened: Opened, resolution: int, detail: int | None = None) -> Photograph:
    """The object that the coverage names, on grey; with its scene where it is surrounded.

    `detail`: D at most; None: as large as can be had at little cost, about `DETAIL` times R.

    Raises:
        PhotographError: the mask or alpha channel hides every pixel.
    """
    assert opened.coverage is not None
    coverage = np.asarray(opened.coverage)
    box = object_box(coverage)
    frame = frame_around(*box)
    factor = max(1, int(frame.side) // (DETAIL * resolution))
    # Outside the object the frame is transparent.
    square = -(-int(frame.side) // factor)
    if square < resolution:
        pixels, fine, alpha = _enlarged(opened, box, frame, resolution)
    else:
        fraction = round(max(opened.coverage.size) / max(opened.image.size))
        left, top, right, bottom = box
        colours = np.asarray(
            opened.image.crop(
                (left // fraction, top // fraction, -(-right // fraction), -(-bottom // fraction))
            )
        )
        part = coverage[top:bottom, left:right].copy()
        place = Place(
            (top, left), (top - int(frame.top), left - int(frame.left)), square, factor, fraction
        )

        def averaged(side: int) -> CutOut:
            return average_cut_out(colours, part, place, side, GREY)

        pixels, alpha = averaged(resolution)
        finer = square if detail is None else min(square, max(detail, resolution))
        fine = pixels if finer == resolution else averaged(finer).pixels
    mask = alpha.astype(np.float32) / np.float32(255)
    frame = _scaled(frame, opened.size[0] / opened.coverage.width)
    scene = _scene(opened, frame, resolution) if opened.surrounded else None
    return Photograph(pixels, fine, mask, frame, opened.size, scene=scene)


def letterbox(opened: Opened, resolution: int, detail: int | None = None) -> Photograph:
    """The whole photograph, padded to a square by its edges; its mask is not known.

    `detail` as in `cut_out`.
    """
    square, frame = padded(opened.image, resolution)
    pixels = np.array(resize_square(square, resolution))
    finer = square.width if detail is None else min(square.width, max(detail, resolution))
    fine = pixels if finer == resolution else np.array(resize_square(square, finer))
    return Photograph(pixels, fine, None, _scaled(frame, opened.scale), opened.size)


def _scaled(frame: Frame, scale: float) -> Frame:
    return Frame(*(scale * value for value in frame))


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
    return square_of(_opaque(image), _scaled(frame, image.width / size[0]), resolution)


def square_of(image: Image.Image, frame: Frame, resolution: int) -> NDArray[np.uint8]:
    """A square [R, R, 3] of a picture, its frame in that picture's pixels; edges go on outside."""
    left, top, side = map(round, frame)
    rows, columns = (
        np.clip(np.arange(first, first + max(side, 1)), 0, length - 1)
        for first, length in ((top, image.height), (left, image.width))
    )
    pixels = np.asarray(image)
    if side >= resolution:
        return average_square(pixels, rows, columns, resolution)
    square = pixels.take(rows, 0).take(columns, 1)
    return np.array(resize_square(Image.fromarray(square), resolution))


def padded(image: Image.Image, resolution: int) -> tuple[Image.Image, Frame]:
    """The whole picture, RGB, not much finer than it has to be, padded to a square by its edge
    pixels, and that square in its pixels."""
    image = _opaque(image)
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


def _enlarged(
    opened: Opened, box: tuple[int, int, int, int], frame: Frame, resolution: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """`pixels` and `detail` of an object whose square has fewer than R pixels, and alpha [R, R]."""
    assert opened.coverage is not None
    left, top, side = map(int, frame)
    part = opened.image.crop(box).convert("RGB")
    part.putalpha(opened.coverage.crop(box))
    square = Image.new("RGBA", (side, side))
    square.paste(part, (box[0] - left, box[1] - top))
    # Pillow weights colours by alpha as it interpolates.
    pixels = np.array(resize_square(square, resolution))
    return _on_grey(pixels), _on_grey(np.array(square)), pixels[..., 3]


def _scene(opened: Opened, frame: Frame, resolution: int) -> NDArray[np.uint8]:
    """The square [R, R, 3] of what is around an object; the frame is in the photograph's pixels."""
    image = opened.image
    left, top, side = map(round, _scaled(frame, image.width / opened.size[0]))
    x, y = max(0, left), max(0, top)
    part = image.crop((x, y, min(image.width, left + side), min(image.height, top + side)))
    factor = max(1, side // (DETAIL * resolution))
    shrunk = Frame((left - x) / factor, (top - y) / factor, side / factor)
    return square_of(part.reduce(factor), shrunk, resolution)


def _on_grey(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H, W, 4] before mid grey."""
    alpha = rgba[..., 3:] / np.float32(255)
    return np.rint(rgba[..., :3] * alpha + GREY * (1 - alpha)).astype(np.uint8)
