"""Grounds for objects that were cut out, which show none of their own.

Where all photographs stand on one exact grey a GAN draws one view: its discriminator knows every
image of the GAN by the first pixel that is not that grey. On grounds that differ it turns objects.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.photographs import GREY

CELLS = 4
"""Random colours to a side, which run into one another."""
NOISE = 4.0
"""Standard deviation of what lies on top, of 255."""


def ground(seed: int, number: int, size: int) -> NDArray[np.uint8]:  # [R, R, 3]
    """The ground (seed, number)."""
    random = np.random.default_rng([seed, number])
    cells = random.integers(0, 256, (CELLS, CELLS, 3), dtype=np.uint8)
    smooth = Image.fromarray(cells).resize((size, size), Image.Resampling.BICUBIC)
    noisy = np.asarray(smooth) + random.normal(0, NOISE, (size, size, 3))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def cut_outs(
    images: NDArray[np.uint8],  # [N, R, R, 3]
    masks: NDArray[np.float32],  # [N, R, R] in 0..1
) -> NDArray[np.bool_]:  # [N]
    """Which of them show nothing but grey around the object."""
    return np.array(
        [
            bool((mask == 0).any() and (image[mask == 0] == GREY).all())
            for image, mask in zip(images, masks, strict=True)
        ],
        bool,
    )


def on_grounds(
    images: NDArray[np.uint8],  # [N, R, R, 3]
    masks: NDArray[np.float32],  # [N, R, R] in 0..1
    chosen: NDArray[np.bool_],  # [N]: those that were cut out
    seed: int,
) -> NDArray[np.uint8]:  # [N, R, R, 3]
    """Photographs as they are, and each that is chosen on the ground (seed, its number)."""
    stood = images.copy()
    for number in np.flatnonzero(chosen):
        image, around = images[number].astype(np.float32), 1 - masks[number][..., None]
        # Of the grey that is mixed into its rim another colour is made too.
        moved = image + (ground(seed, int(number), images.shape[1]) - np.float32(GREY)) * around
        stood[number] = np.clip(np.rint(moved), 0, 255).astype(np.uint8)
    return stood
