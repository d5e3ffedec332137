"""The scenes of the vehicles around anything else: sky or wall, ground, shadow, and their light."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import check_cameras
from train.data.vehicles import compiled, scene, vehicle


class Light(NamedTuple):
    """What lights an object, in its own frame."""

    sun: NDArray[np.float64]
    """[3] unit vector towards the sun."""
    sun_colour: NDArray[np.float64]
    """[3] of a surface turned to the sun, beside the ambient light."""
    ambient: float
    """Of a surface turned sideways; the sky gives 28 % more, the ground less."""
    exposure: float
    """Factor of everything."""


def light(seed: int, index: int) -> Light:
    """The light of (seed, index): the same from every camera."""
    place = _place(seed, index)
    colour = place["sun_strength"] * place["sun_tint"]
    return Light(place["sun"].copy(), colour, float(place["ambient"]), float(place["exposure"]))


def surroundings(
    seed: int,
    index: int,
    extents: tuple[float, float, float],  # x, y, z size of the object, which stands on the ground
    cameras: NDArray[np.floating],  # [K, 5]
    size: int,
) -> NDArray[np.float32]:  # [K, R, R, 3] in 0..1
    """What is behind and under an object of (seed, index), its shadow included, without itself."""
    check_cameras(cameras)
    if size < 1 or min(extents) < 0:
        raise ValueError(f"size is {size} px and extents {extents}: at least 1 and at least 0")
    thing = np.zeros(1, vehicle.VEHICLE)
    # A sheet of paper still has a shadow: the kernel divides by these.
    width, height, length = np.maximum(extents, 1e-3)
    thing["half_width"], thing["height"], thing["length"] = width / 2, height, length
    images = np.zeros((len(cameras), size, size, 3))  # the kernel blends into them
    compiled.surround(
        thing[0], _place(seed, index), np.ascontiguousarray(cameras, np.float32), images
    )
    return np.clip(images, 0, 1).astype(np.float32)


def _place(seed: int, index: int) -> np.void:
    things, places = np.zeros(1, vehicle.VEHICLE), np.zeros(1, scene.SCENE)
    compiled.draw_things(seed, np.array([index], np.int64), things, places)
    return places[0]
