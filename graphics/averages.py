"""Pictures brought to another size: area averages downwards, bilinear upwards.

Objects and squares are averaged in one pass over the photograph. The pixels that make up each one
are those of Pillow's box filter. Pillow itself goes over a picture once per step, with its
transparency multiplied in and taken out again, and rounds after each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.compiled import compiled

Pixels = NDArray[np.uint8]


class CutOut(NamedTuple):
    """An object before one grey."""

    pixels: Pixels
    """[S, S, 3]"""
    alpha: Pixels
    """[S, S], 0..255: how much of each pixel is the object's."""


class Place(NamedTuple):
    """Where the part of a photograph that holds an object lies, in pixels of its mask."""

    first: tuple[int, int]
    """(row, column) of the part in the photograph."""
    within: tuple[int, int]
    """(row, column) of the part in the square around the object."""
    square: int
    """Blocks of the square's side."""
    factor: int
    """Pixels of a block's side. The part's own first pixel begins one."""
    fraction: int
    """Pixels of the mask per pixel of the photograph, on either axis, counted from the
    photograph's first one."""


def average_cut_out(
    colours: Pixels,  # [h, w, 3 or more]; channels after the third are left out of account
    coverage: Pixels,  # [H, W], 0..255
    place: Place,
    side: int,  # S, at most the square's blocks
    ground: int,
) -> CutOut:
    """An object in a square that is transparent around it, brought to S x S pixels."""
    _check(colours, place.square, side)
    lengths = coverage.shape
    axes = [_axis(length, place, axis, side) for axis, length in enumerate(lengths)]
    needed = tuple(int(colour_index[-1]) + 1 for _, _, colour_index in axes)
    if colours.shape[:2] != needed:
        raise ValueError(f"colours is {colours.shape[:2]}; with this coverage it must be {needed}")
    found = CutOut(np.empty((side, side, 3), np.uint8), np.empty((side, side), np.uint8))
    _cut_out(colours, coverage, *axes[0], *axes[1], np.float32(ground), *found)
    return found


def average_square(
    image: Pixels,  # [H, W, 3 or more]; channels after the third are left out of account
    rows: NDArray[np.int64],  # [N] of the image, for each row of the square
    columns: NDArray[np.int64],  # [N]
    side: int,  # S, at most N
) -> Pixels:  # [S, S, 3]
    """A square that names the pixels it is made of, brought to S x S pixels."""
    _check(image, len(rows), side)
    steps = _steps(len(rows), side)
    averages = np.empty((side, side, 3), np.uint8)
    _average(image, rows, columns, steps, np.bincount(steps), averages)
    return averages


def resize_square(square: Image.Image, side: int) -> Image.Image:
    """Area average downwards, bilinear upwards."""
    if square.width % side == 0:
        return square.reduce(square.width // side)  # the same average, three times as fast
    return resized(square, (side, side))


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """To (width, height): area average downwards, bilinear upwards."""
    method = Image.Resampling.BOX if image.width > size[0] else Image.Resampling.BILINEAR
    return image.resize(size, method)


def _check(image: Pixels, square: int, side: int) -> None:
    if image.ndim != 3 or image.shape[2] < 3 or image.dtype != np.uint8:
        raise ValueError(f"image is {image.dtype} {image.shape}; it must be uint8 [H, W, 3]")
    if not 1 <= side <= square:
        raise ValueError(f"{side} px of a square of {square} px; at least 1 and no more are made")


def _steps(length: int, side: int) -> NDArray[np.int64]:
    """In which of `side` equal steps the centre of each of `length` pixels lies; a centre on the
    border of two is the former's."""
    doubled = (2 * np.arange(length) + 1) * side
    return (doubled - 1) // (2 * length)


def _axis(
    length: int, place: Place, axis: int, side: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Of each of `length` rows of a mask: its step of `side`, its share of it, and the row of the
    photograph's part."""
    pixels = np.arange(length)
    blocks = pixels // place.factor
    sizes = np.bincount(blocks)  # the last one may be cut short, and counts as much as the others
    steps = _steps(place.square, side)
    belongs = steps[place.within[axis] // place.factor + blocks]
    shares = (1 / (sizes[blocks] * np.bincount(steps)[belongs])).astype(np.float32)
    first = place.first[axis]
    rows = (first + pixels) // place.fraction - first // place.fraction
    return belongs, shares, rows


@compiled
def _cut_out(  # noqa: PLR0913 - a kernel's arguments are flat arrays
    colours: Pixels, coverage: Pixels,
    rows: NDArray[np.int64], row_shares: NDArray[np.float32],
    colour_rows: NDArray[np.int64],  # [H]
    columns: NDArray[np.int64], column_shares: NDArray[np.float32],
    colour_columns: NDArray[np.int64],  # [W]
    ground: np.float32,
    pixels: Pixels, alpha: Pixels,  # out
) -> None:  # fmt: skip
    side = alpha.shape[0]
    sums = np.zeros((side, side, 4), np.float32)
    for r in range(coverage.shape[0]):
        i, row = rows[r], colour_rows[r]
        for c in range(coverage.shape[1]):
            covered = coverage[r, c]
            if covered == 0:
                continue
            j, column = columns[c], colour_columns[c]
            share = row_shares[r] * column_shares[c] * np.float32(covered)
            for k in range(3):
                sums[i, j, k] += share * np.float32(colours[row, column, k])
            sums[i, j, 3] += share
    most, half = np.float32(255), np.float32(0.5)
    for i in range(side):
        for j in range(side):
            rest = ground * (most - sums[i, j, 3])
            for k in range(3):
                pixels[i, j, k] = np.uint8(min((sums[i, j, k] + rest) / most + half, most))
            alpha[i, j] = np.uint8(min(sums[i, j, 3] + half, most))


@compiled
def _average(
    image: Pixels, rows: NDArray[np.int64], columns: NDArray[np.int64],
    steps: NDArray[np.int64],  # [N]
    counts: NDArray[np.int64],  # [S]
    averages: Pixels,  # [S, S, 3], out
) -> None:  # fmt: skip
    side, square = averages.shape[0], steps.shape[0]
    below = np.zeros((image.shape[1], image.shape[2]), np.int32)  # sums of the columns of one step
    sums = np.zeros((side, 3), np.int64)
    for r in range(square):
        i, row = steps[r], rows[r]
        for c in range(image.shape[1]):
            for k in range(image.shape[2]):
                below[c, k] += image[row, c, k]
        if r + 1 < square and steps[r + 1] == i:
            continue
        sums[:] = 0
        for c in range(square):
            for k in range(3):
                sums[steps[c], k] += below[columns[c], k]
        below[:] = 0
        for j in range(side):
            count = counts[i] * counts[j]
            for k in range(3):
                averages[i, j, k] = (sums[j, k] + count // 2) // count
