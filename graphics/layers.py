"""The layers of a picture: the drawn object, the background behind it, and the hole in that.

What the neural renderer is given, in training and in the service.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.inpainting import fill, whole_hole
from graphics.render import Rendered


class Layers(NamedTuple):
    """The layers of B pictures."""

    drawings: NDArray[np.float32]
    """[B, S, S, 4] in 0..1: the object's colours times its alpha, and the alpha."""
    backgrounds: NDArray[np.uint8]
    """[B, S, S, 3], filled where an object was cut out."""
    holes: NDArray[np.float32]
    """[B, S, S] in 0..1: where they were filled."""


def layers(
    drawn: Rendered,  # without a background, of side S
    pixels: NDArray[np.uint8],  # [B, R, R, 3] backgrounds, the object that stood there included
    holes: NDArray[np.bool_],  # [B, R, R] where it was
) -> Layers:
    """Everything about B pictures; backgrounds are filled first and then brought to side S."""
    side = drawn.images.shape[1]
    grown = [whole_hole(hole) for hole in holes]
    filled = [fill(one, hole) for one, hole in zip(pixels, grown, strict=True)]
    return Layers(
        np.concatenate([drawn.images, drawn.masks[..., None]], axis=3),
        np.stack([_resized(one, side) for one in filled]),
        np.stack([_resized(hole.astype(np.float32), side) for hole in grown]),
    )


def _resized(picture: NDArray, side: int) -> NDArray:
    if len(picture) == side:
        return picture
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR))
