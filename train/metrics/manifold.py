"""Precision and recall of generated images (Kynkäänniemi et al. 2019), in features of pixels alone.

The features know no category: block means of the colours and of the gradients at three scales. They
tell noise, a single picture and a flat colour from photographs, and no more: networks that both
pass are to be compared by a Fréchet distance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

BLOCKS = 8
"""Blocks to a side, of which means are taken."""
NEIGHBOURS = 3
"""Radius of a sample's own region: the distance to its third neighbour, as in the paper."""


class PrecisionRecall(NamedTuple):
    """Shares in 0..1."""

    precision: float
    """Of the generated images that lie among photographs."""
    recall: float
    """Of the photographs that lie among generated images."""


def pixel_features(images: NDArray[np.uint8]) -> NDArray[np.floating]:  # [N, R, R, 3] -> [N, D]
    """Block means of colours, and of gradients of the luma at three scales; R at least 8.

    Raises:
        ValueError: another shape.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.shape[1] % BLOCKS:
        raise ValueError(f"images {images.shape}: must be [N, R, R, 3], R a multiple of {BLOCKS}")
    pixels = images.astype(np.float32) / 255
    luma, groups = pixels.mean(axis=-1), [block_means(pixels)]
    while luma.shape[1] >= BLOCKS and len(groups) < 4:
        down, across = (np.abs(np.diff(luma, axis=axis, append=0)) for axis in (1, 2))
        down[:, -1], across[:, :, -1] = 0, 0
        groups.append(block_means((down + across)[..., None]))
        luma = block_means(luma[..., None], luma.shape[1] // 2)[..., 0]
    return np.concatenate([group.reshape(len(images), -1) for group in groups], axis=1)


def block_means(
    values: NDArray[np.floating],  # [N, R, R, C]
    blocks: int = BLOCKS,
) -> NDArray[np.floating]:  # [N, blocks, blocks, C]
    """Means of square blocks; R is a multiple of `blocks`."""
    count, side, _, channels = values.shape
    inside = side // blocks
    return values.reshape(count, blocks, inside, blocks, inside, channels).mean(axis=(2, 4))


def precision_recall(
    photographs: NDArray[np.floating],  # [N, D]
    generated: NDArray[np.floating],  # [M, D]
) -> PrecisionRecall:
    """Each feature counts in units of its standard deviation over the photographs.

    Raises:
        ValueError: less than two samples of either.
    """
    if min(len(photographs), len(generated)) < 2:
        counts = f"{len(photographs)} photographs and {len(generated)} generated images"
        raise ValueError(f"{counts}: at least two of each")
    # A feature that hardly varies must not outweigh all others by what noise does to it.
    scale = np.sqrt(np.square(photographs.std(axis=0)) + np.square(photographs.std(axis=0)).mean())
    scale = np.maximum(scale, 1e-6)
    real, made = photographs / scale, generated / scale
    apart = cdist(made, real)  # [M, N]
    return PrecisionRecall(
        float((apart <= _radii(real)[None]).any(axis=1).mean()),
        float((apart <= _radii(made)[:, None]).any(axis=0).mean()),
    )


def _radii(samples: NDArray[np.floating]) -> NDArray[np.floating]:  # [N, D] -> [N]
    nearest = min(NEIGHBOURS, len(samples) - 1)  # of itself and the others, the 0th is itself
    return np.partition(cdist(samples, samples), nearest, axis=1)[:, nearest]
