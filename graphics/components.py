"""Connected parts of a mask."""

import numpy as np
from numpy.typing import NDArray

from graphics.compiled import compiled


def component_sizes(
    inside: NDArray[np.bool_],  # [H, W]
) -> NDArray[np.int64]:
    """Pixels of each 4-connected part, [N], N >= 0, in the order their first pixels are read."""
    if inside.ndim != 2 or inside.dtype != np.bool_:
        raise ValueError(f"inside is {inside.dtype} {inside.shape}; it must be bool [H, W]")
    return _sizes(np.ascontiguousarray(inside))


@compiled
def _sizes(inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    height, width = inside.shape
    seen = np.zeros(height * width, np.bool_)
    stack = np.empty(height * width, np.int64)
    sizes = []
    for start in range(height * width):
        if seen[start] or not inside[start // width, start % width]:
            continue
        seen[start], stack[0] = True, start
        depth, size = 1, 0
        while depth:
            depth -= 1
            size += 1
            row, column = stack[depth] // width, stack[depth] % width
            for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                r, c = row + down, column + right
                if 0 <= r < height and 0 <= c < width:
                    neighbour = r * width + c
                    if inside[r, c] and not seen[neighbour]:
                        seen[neighbour] = True  # each pixel is put on the stack once
                        stack[depth] = neighbour
                        depth += 1
        sizes.append(size)
    return np.array(sizes, np.int64)
