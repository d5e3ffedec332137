"""Pictures on their way in and out of the service: errors, resizing, PNG."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.image_files import PhotographError, ZipError
from graphics.photographs import GREY
from service.errors import ItemError


@contextmanager
def blaming_the_image() -> Iterator[None]:
    """Turns the `PhotographError` of an image that cannot be used into its `ItemError`."""
    try:
        yield
    except ZipError as error:
        message = f"{error.message}, or send it to POST /v1/jobs in field archive"
        raise ItemError(error.code, message) from error
    except PhotographError as error:
        raise ItemError(error.code, error.message) from error


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """PNG of `[H, W]` grey, `[H, W, 3]` colour or `[H, W, 4]` with alpha."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=3)
    return file.getvalue()


def to_bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values in 0..1 as 0..255."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def to_floats(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Values in 0..255 as 0..1."""
    return pixels.astype(np.float32) / np.float32(255)


def resize_longer(pixels: NDArray[np.uint8], longer: int) -> NDArray[np.uint8]:
    """A picture `[H, W, 3]` whose longer side has `longer` pixels, its proportions kept."""
    height, width = scaled(pixels.shape[0], pixels.shape[1], longer)
    shrinks = longer < max(pixels.shape[:2])
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(pixels).resize((width, height), method))


def scaled(height: int, width: int, longer: int) -> tuple[int, int]:
    """Height and width of the same proportions, the longer one `longer` pixels."""
    scale = longer / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def background_of(pixels: NDArray[np.uint8], mask: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The photograph `[R, R, 3]` with the object's pixels (mask over one half) set to mid grey."""
    return np.where(mask[..., None] > 0.5, np.uint8(GREY), pixels)
