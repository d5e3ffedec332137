"""Where pixels lie on the image plane: y points up, row 0 is the top, the image is [-1, 1]^2."""

import math
from functools import lru_cache

import numpy as np

from graphics.compiled import Array, Number, compiled


@lru_cache(64)
def pixel_centres(height: int, width: int, dtype: np.dtype) -> tuple[Array, Array]:
    """Image-plane x of each column [W] and y of each row [H]; shared, so only to be read."""
    if height < 1 or width < 1:
        raise ValueError(f"image is {height}x{width} px; height and width must be at least 1")
    x = (2 * np.arange(width) + 1 - width) / width
    y = (height - 2 * np.arange(height) - 1) / height
    return x.astype(dtype), y.astype(dtype)


@compiled
def is_measurable(a: Number, b: Number, c: Number) -> bool:
    """Whether areas and distances of such coordinates are finite in their dtype: not of nan,
    infinities, and from about 5e18 on in float32."""
    squares = a * a + b * b + c * c
    squares += squares  # added, as a literal would make float32 arithmetic float64
    squares += squares
    return math.isfinite(squares + squares)


@compiled
def pixel_box(  # noqa: PLR0913 - plain numbers: slices would be counted references
    xa: Number, ya: Number, xb: Number, yb: Number, xc: Number, yc: Number,
    margin: Number, height: int, width: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Rows and columns, each first and one past last, of a face's half-open box grown by a margin.

    Empty off the image and for corners that are not finite or too large to measure.
    """
    left, right = min(xa, xb, xc) - margin, max(xa, xb, xc) + margin
    low, high = min(ya, yb, yc) - margin, max(ya, yb, yc) + margin
    # Written so that nan fails; what passes may still reach far beyond the image.
    if not (left < 1 and right > -1 and low < 1 and high > -1):
        return 0, 0, 0, 0
    if not (is_measurable(xa, xb, xc) and is_measurable(ya, yb, yc)):
        return 0, 0, 0, 0
    left, right, low, high = max(left, -2.0), min(right, 2.0), max(low, -2.0), min(high, 2.0)
    column = math.ceil((left * width + (width - 1)) * 0.5)
    column_end = math.ceil((right * width + (width - 1)) * 0.5)
    row = math.floor(((height - 1) - high * height) * 0.5) + 1
    row_end = math.floor(((height - 1) - low * height) * 0.5) + 1
    row, row_end = int(max(row, 0)), int(min(row_end, height))
    return row, row_end, int(max(column, 0)), int(min(column_end, width))
