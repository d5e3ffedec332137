"""Brings the GAN renderer nearer to one photograph than one pass does."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from graphics.picture_fit import SHIFTS, fitting, proceed
from service.errors import RequestError
from service.pipeline.drawing import at_models_size, generate
from service.pipeline.engine import Engine
from service.pipeline.scenes import Scene

PICTURES = SHIFTS
"""That are drawn at a time, at most."""


def check_room(engine: Engine) -> None:
    """Raises `RequestError`: 422, the service never takes so many pictures at a time."""
    limit = engine.settings.queue_limit
    if limit < PICTURES:
        message = (
            f"fidelity fit draws {PICTURES} pictures at a time; this service takes {limit}: leave "
            "fidelity out, or serve with a larger QUEUE_LIMIT"
        )
        raise RequestError(422, "too_many_pictures", message)


async def fitted(
    engine: Engine,
    scene: Scene,
    photograph: NDArray[np.uint8],  # [R, R, 3] that the scene is to show
) -> Scene:
    """The scene with the shifts by which the GAN draws the photograph best."""
    # Here, once, and not for each picture.
    scene = scene._replace(texture=await engine.in_pool(at_models_size, engine, scene.texture))
    fit, done = fitting(photograph), False
    shifts = await engine.in_pool(next, fit)
    while not done:
        scenes = (scene._replace(shifts=row) for row in shifts)
        drawn = await asyncio.gather(*(generate(engine, each) for each in scenes))
        shifts, done = await engine.in_pool(proceed, fit, np.stack(drawn))
    return scene._replace(shifts=shifts)
