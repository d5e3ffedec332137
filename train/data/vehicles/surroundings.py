"""The scenes of the vehicles around anything else: sky or wall, ground, shadow, and their light."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import check_cameras
from train.data.vehicles import compiled
from train.data.vehicles.scene import SCENE
from train.data.vehicles.vehicle import VEHICLE


class Light(NamedTuple):
    """What lights an object, in its own frame."""

    sun: NDArray[np.float64]
    """[3] unit vector towards the sun."""
    sun_colour: NDArray[np.float64]
    """[3] on a surface turned to the sun, beside the ambient light."""
    ambient: float
    """On a surface turned sideways; the sky gives 28 % more, the ground less."""
    exposure: float
    """Factor of everything."""


def light(seed: int, index: int) -> Light:
    """The light of (seed, index): the same from every camera."""
    scene = _scene(seed, index)
    colour = scene["sun_strength"] * scene["sun_tint"]
    return Light(scene["sun"].copy(), colour, float(scene["ambient"]), float(scene["exposure"]))


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
    body = np.zeros(1, VEHICLE)
    # A sheet of paper still has a shadow: the kernel divides by these.
    width, height, length = np.maximum(extents, 1e-3)
    body["half_width"], body["height"], body["length"] = width / 2, height, length
    images = np.zeros((len(cameras), size, size, 3))  # the kernel blends into them
    compiled.surround(
        body[0], _scene(seed, index), np.ascontiguousarray(cameras, np.float32), images
    )
    return np.clip(images, 0, 1).astype(np.float32)


def _scene(seed: int, index: int) -> np.void:
    vehicles, scenes = np.zeros(1, VEHICLE), np.zeros(1, SCENE)
    compiled.sample_records(seed, np.array([index], np.int64), vehicles, scenes)
    return scenes[0]
