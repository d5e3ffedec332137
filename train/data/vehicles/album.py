"""Photographs of procedural vehicles as arrays: every image a pure function of (seed, index).

Their scenes (sky or wall, ground, shadow, light) can also be put around anything else.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphics.camera import check_cameras
from train.data.vehicles import atlas, compiled, shape, visibility
from train.data.vehicles.scene import SCENE
from train.data.vehicles.vehicle import COLOURS, VEHICLE

HELD_OUT_SEED = 900_001
"""Seed of the vehicles that only evaluation may see; training must use another one."""


class Attributes(NamedTuple):
    """The ground truth about each vehicle."""

    kind: NDArray[np.int32]  # [B] index into KINDS
    roof_height: NDArray[np.float32]  # [B] y extent, object units
    length: NDArray[np.float32]  # [B] z extent, object units
    paint: NDArray[np.float32]  # [B, 3] main colour, 0..1


class Photographs(NamedTuple):
    """Pictures with their ground truth."""

    images: NDArray[np.uint8]
    """[B, R, R, 3]"""
    masks: NDArray[np.uint8]
    """[B, R, R] coverage by the object, without its shadow: 0 none .. 255 all of the pixel."""
    cameras: NDArray[np.float32]
    """[B, 5] azimuth_degrees, elevation_degrees, distance, offset_x, offset_y."""
    attributes: Attributes


class Mixed(NamedTuple):
    """Where each part of B pictures comes from: indices of vehicles, each [B]."""

    shapes: NDArray[np.integer]
    colours: NDArray[np.integer]
    scenes: NDArray[np.integer]


class TexturedMesh(NamedTuple):
    """A vehicle's exact shape and unlit colours, in the canonical frame."""

    vertices: NDArray[np.float32]  # [V, 3]; the solid is the union of six closed parts that overlap
    faces: NDArray[np.int32]  # [F, 3] outward counter-clockwise
    uvs: NDArray[np.float32]  # [F, 3, 2] of each face's corners, v = 1 is the texture's top row
    texture: NDArray[np.uint8]  # [Ht, Wt, 3]


def photographs(seed: int, indices: ArrayLike, size: int = 64) -> Photographs:
    """One photograph of each vehicle, from its own random camera; the object is never cut off.

    Azimuth 0..360 and elevation 0..30 degrees, distance 5..6.2, offsets within 0.06, uniform.
    """
    indices = checked(indices, size)
    cameras = np.empty((len(indices), 5), np.float32)
    compiled.sample_cameras(seed, indices, cameras)
    return _take(seed, indices, cameras, size, frame=True)


def views(
    seed: int,
    indices: ArrayLike,
    cameras: NDArray[np.floating],  # [B, 5]
    size: int = 64,
) -> Photographs:
    """Each vehicle in its own light and surroundings, from the camera given for it."""
    indices = checked(indices, size)
    cameras = np.array(cameras, np.float32)
    check_cameras(cameras)
    if len(cameras) != len(indices):
        raise ValueError(f"{len(cameras)} cameras for {len(indices)} indices; give one for each")
    return _take(seed, indices, cameras, size, frame=False)


def mixtures(
    seed: int,
    mixed: Mixed,
    cameras: NDArray[np.floating],  # [B, 5]
    size: int = 64,
) -> Photographs:
    """Vehicles whose shape, colours and scene are those of different indices, each from the camera
    given for it; three times the same index gives the picture of `views`."""
    shapes, colours, scenes = (checked(indices, size) for indices in mixed)
    cameras = np.array(cameras, np.float32)
    check_cameras(cameras)
    if not len(shapes) == len(colours) == len(scenes) == len(cameras):
        counts = f"{len(shapes)}, {len(colours)} and {len(scenes)} indices"
        raise ValueError(f"{counts}, {len(cameras)} cameras; give as many of each")
    vehicles, others = _records(seed, shapes)[0], _records(seed, colours)[0]
    for name in COLOURS:
        vehicles[name] = others[name]
    return _picture(vehicles, _records(seed, scenes)[1], cameras, size, frame=False)


def meshes(seed: int, index: int) -> TexturedMesh:
    """The vehicle itself: exact mesh and texture, as it stands in every picture of it."""
    indices = checked([index], size=64)
    vehicles, _ = _records(seed, indices)
    vertices = np.empty((shape.VERTICES, 3))
    texture = np.empty((atlas.SIDE, atlas.SIDE, 3), np.uint8)
    compiled.bake(vehicles[0], vertices, atlas.CORNERS, texture)
    return TexturedMesh(vertices.astype(np.float32), shape.FACES.copy(), atlas.UVS.copy(), texture)


def checked(indices: ArrayLike, size: int) -> NDArray[np.int64]:
    """Indices as int64 [B], or an error that says what is wrong with them or with the size."""
    if not 8 <= size <= 1024:
        raise ValueError(f"size is {size}; it must be 8..1024 px")
    checked = np.asarray(indices)
    if checked.ndim != 1 or not (np.issubdtype(checked.dtype, np.integer) or checked.size == 0):
        raise ValueError(f"indices are {checked.dtype} {checked.shape}; they must be integers [B]")
    if checked.size and checked.min() < 0:
        raise ValueError(f"an index is {checked.min()}; indices must be 0 or more")
    return checked.astype(np.int64)


def _take(
    seed: int, indices: NDArray[np.int64], cameras: NDArray[np.float32], size: int, frame: bool
) -> Photographs:
    return _picture(*_records(seed, indices), cameras, size, frame)


def _records(seed: int, indices: NDArray[np.int64]) -> tuple[np.ndarray, np.ndarray]:
    """The VEHICLE and SCENE records of each index."""
    vehicles, scenes = np.zeros(len(indices), VEHICLE), np.zeros(len(indices), SCENE)
    compiled.sample_records(seed, indices, vehicles, scenes)
    return vehicles, scenes


def _picture(
    vehicles: np.ndarray,  # [B] VEHICLE
    scenes: np.ndarray,  # [B] SCENE
    cameras: NDArray[np.float32],
    size: int,
    frame: bool,
) -> Photographs:
    images = np.empty((len(vehicles), size, size, 3), np.uint8)
    masks = np.empty((len(vehicles), size, size), np.uint8)
    # Small pictures get 16 samples per pixel instead of 4: silhouettes matter most there.
    factor = 2 if size >= 64 else 4
    buffers = visibility.studio(factor * size, shape.FACES, shape.VERTICES)
    compiled.take(vehicles, scenes, cameras, frame, buffers, (images, masks))
    attributes = Attributes(
        vehicles["kind"].copy(),
        vehicles["height"].astype(np.float32),
        vehicles["length"].astype(np.float32),
        vehicles["paint"].astype(np.float32),
    )
    return Photographs(images, masks, cameras, attributes)


class Light(NamedTuple):
    """What lights an object, in its own frame."""

    sun: NDArray[np.float64]  # [3] unit vector towards the sun
    sun_colour: NDArray[np.float64]  # [3] on a surface turned to the sun, beside the ambient light
    ambient: float  # on a surface turned sideways; the sky gives 28 % more, the ground less
    exposure: float  # factor of everything


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
    return _records(seed, np.array([index], np.int64))[1][0]
