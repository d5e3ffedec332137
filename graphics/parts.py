"""The connected parts of a mask."""

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import compiled


def label_parts(inside: NDArray[np.bool_]) -> NDArray[np.int32]:  # [H, W] -> [H, W]
    """The number of the 4-connected part that each pixel belongs to: 1, 2 … in the order in which
    their first pixels are read, 0 outside."""
    if inside.ndim != 2 or inside.dtype != np.bool_:
        raise ValueError(f"inside is {inside.dtype} {inside.shape}; it must be bool [H, W]")
    return _label(np.ascontiguousarray(inside))


def component_sizes(inside: NDArray[np.bool_]) -> NDArray[np.int64]:  # [H, W]
    """Pixels of each 4-connected part, [N], N >= 0, in the order their first pixels are read."""
    return np.bincount(label_parts(inside).ravel(), minlength=1)[1:]


@compiled
def _label(inside: NDArray[np.bool_]) -> NDArray[np.int32]:
    height, width = inside.shape
    labels = np.zeros((height, width), np.int32)
    stack = np.empty(height * width, np.int64)
    count = 0
    for start in range(height * width):
        if labels[start // width, start % width] or not inside[start // width, start % width]:
            continue
        count += 1
        labels[start // width, start % width], stack[0] = count, start
        depth = 1
        while depth:
            depth -= 1
            row, column = stack[depth] // width, stack[depth] % width
            for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                r, c = row + down, column + right
                if 0 <= r < height and 0 <= c < width and inside[r, c] and not labels[r, c]:
                    labels[r, c] = count  # each pixel is put on the stack once
                    stack[depth] = r * width + c
                    depth += 1
    return labels
