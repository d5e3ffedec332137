"""StyleGAN-R brought nearer to single photographs, as the service does it for `fidelity` fit."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from graphics.picture_fit import SHIFTS, fitting, proceed
from train.evaluation.benchmark import Predicted
from train.evaluation.disentangled_benchmark import Rendered
from train.evaluation.disentangled_renderers import Generating, Parts, gan_renderer
from train.running.progress import ignore_progress

DEFINITION = "StyleGAN-R with the shifts of its code that bring it nearest to each photograph"


def fitted(
    gan: Generating,
    images: NDArray[np.uint8],  # [N, R, R, 3]: photographs
    read: Predicted,
    on_progress: Callable[[int], None] = ignore_progress,
) -> Rendered:
    """A renderer that draws each photograph by its own shifts, found at the camera as read."""
    shifts = np.zeros((len(images), SHIFTS), np.float32)
    for number in range(len(images)):
        shifts[number] = _shifts(gan, images[number], read, number)
        on_progress(number + 1)
    return Rendered(gan_renderer(gan), images, read, shifts)


def _shifts(
    gan: Generating, image: NDArray[np.uint8], read: Predicted, number: int
) -> NDArray[np.float32]:
    fit, done = fitting(image), False
    tried = next(fit)
    while not done:
        rows = np.full(len(tried), number)
        parts = Parts(
            read.cameras[rows], read.vertices[rows], read.textures[rows],
            np.repeat(image[None], len(rows), axis=0), read.masks[rows], tried,
        )  # fmt: skip
        tried, done = proceed(fit, gan(parts))
    return tried
