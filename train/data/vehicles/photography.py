"""Takes the photographs: shades what each sample sees, filters, adds what a real camera adds."""

import numpy as np

from train.data.vehicles import counter, material, shape, visibility
from train.data.vehicles.counter import inlined, kernel
from train.data.vehicles.scene import sample_scene, set_stage, surroundings, write_pixel
from train.data.vehicles.vehicle import sample_vehicle
from train.data.vehicles.visibility import (
    BACKGROUND,
    EYE,
    NORMAL,
    POSITION,
    STAGE,
    SURFACE,
    TANGENT,
    Studio,
    find_point,
)

_PARTS = shape.FACE_PARTS
DISTANCES = (5.0, 6.2)  # nearest and farthest of the photographer's cameras: object units


@inlined
def _light(scene: np.record, buffers: Studio) -> None:
    """Light the surface colour: hemisphere ambient, sun, and a reflection on what is glossy."""
    colour, normal, position = (
        buffers.work[SURFACE], buffers.work[NORMAL], buffers.work[POSITION]
    )  # fmt: skip
    eye = buffers.work[EYE]
    size = 0.0
    for axis in range(3):
        eye[axis] = buffers.axes[3, axis] - position[axis]
        size += eye[axis] * eye[axis]
    size = 1.0 / np.sqrt(size)
    facing = sunlit = halfway = length = 0.0
    for axis in range(3):
        eye[axis] *= size
        facing += normal[axis] * eye[axis]
        sunlit += normal[axis] * scene.sun[axis]
        middle = eye[axis] + scene.sun[axis]
        halfway += normal[axis] * middle
        length += middle * middle
    facing, sunlit = max(facing, 0.0), max(sunlit, 0.0)
    gloss = colour[3]
    glint = (max(halfway, 0.0) / np.sqrt(length + 1e-9)) ** 8
    glint = gloss * scene.sun_strength * 0.8 * glint * glint * glint
    # Sky mirrored, most at grazing angles; what faces downwards mirrors the road instead.
    mirrored = max(0.0, 0.5 + 2.0 * facing * normal[1] - eye[1])
    sky = gloss * (0.05 + 0.25 * (1.0 - facing) ** 3) * mirrored
    ambient = scene.ambient * (0.80 + 0.28 * normal[1])
    for channel in range(3):
        direct = scene.sun_strength * sunlit * scene.sun_tint[channel]
        lit = colour[channel] * (ambient + direct) + glint + sky
        colour[channel] = scene.exposure * lit


@inlined
def _shade(vehicle: np.record, scene: np.record, buffers: Studio, column: int, row: int) -> None:
    """Write the lit colour of what sample (column, row) sees."""
    find_point(buffers, column, row, 1.0)  # half flat, half smooth
    face: int = buffers.seen[row, column]
    position = buffers.work[POSITION]
    half = 0.5 * vehicle.height
    position[1] += half
    material.surface(vehicle, _PARTS[face], position, buffers.work[SURFACE])
    position[1] -= half
    _light(scene, buffers)


@kernel
def _set_stage(scene: np.record, vehicle: np.record, view: np.ndarray, stage: np.ndarray) -> None:
    half = 0.5 * vehicle.length
    set_stage(scene, vehicle.half_width, half, -0.5 * vehicle.height, view, stage)


@kernel
def _develop(
    vehicle: np.record, scene: np.record, buffers: Studio, camera: np.ndarray, picture: np.ndarray,
    mask: np.ndarray,
) -> None:  # fmt: skip
    """Write picture [R, R, 3] and mask [R, R]: a box filter over each pixel's samples."""
    resolution = len(mask)
    factor = len(buffers.seen) // resolution
    share = 1.0 / (factor * factor)
    surface, colour = buffers.work[SURFACE], buffers.work[BACKGROUND]
    for row in range(resolution):
        y = ((resolution - 2 * row - 1) / resolution - camera[4]) * TANGENT
        for column in range(resolution):
            red = green = blue = 0.0
            covered = 0
            for down in range(factor * row, factor * (row + 1)):
                for across in range(factor * column, factor * (column + 1)):
                    if buffers.seen[down, across] >= 0:
                        _shade(vehicle, scene, buffers, across, down)
                        red += min(surface[0], 1.0)
                        green += min(surface[1], 1.0)
                        blue += min(surface[2], 1.0)
                        covered += 1
            coverage = share * covered
            colour[0] = colour[1] = colour[2] = 0.0
            if coverage < 1.0:
                x = ((2 * column + 1 - resolution) / resolution - camera[3]) * TANGENT
                surroundings(scene, x, y, buffers.axes, buffers.work[STAGE], colour)
            colour[0] = colour[0] * (1.0 - coverage) + share * red
            colour[1] = colour[1] * (1.0 - coverage) + share * green
            colour[2] = colour[2] * (1.0 - coverage) + share * blue
            key = scene.noise_key ^ np.uint64(row * resolution + column)
            write_pixel(colour, scene.noise, key, picture[row, column])
            mask[row, column] = np.uint8(255.0 * coverage + 0.5)


@kernel
def sample_records(
    seed: int, indices: np.ndarray, vehicles: np.ndarray, scenes: np.ndarray
) -> None:
    """Fill the VEHICLE and SCENE records of each index."""
    for item in range(len(indices)):
        sample_vehicle(vehicles[item], seed, indices[item])
        sample_scene(scenes[item], seed, indices[item])


@kernel
def take(
    vehicles: np.ndarray, scenes: np.ndarray, cameras: np.ndarray, frame: bool, buffers: Studio,
    pictures: tuple[np.ndarray, np.ndarray],
) -> None:  # fmt: skip
    """Photograph each vehicle into images [B, R, R, 3] and masks [B, R, R] of `pictures`.

    frame: shrink the offsets of `cameras` [B, 5] in place so that nothing is cut off.
    """
    images, masks = pictures
    for item in range(len(vehicles)):
        shape.shape(vehicles[item], buffers.vertices)
        visibility.fill_normals(buffers)
        visibility.look(cameras[item], buffers.axes)
        visibility.project(buffers)
        if frame:
            visibility.keep_inside(buffers.image, cameras[item])
        visibility.find_visible(buffers, cameras[item, 3], cameras[item, 4])
        _set_stage(scenes[item], vehicles[item], buffers.axes, buffers.work[STAGE])
        _develop(vehicles[item], scenes[item], buffers, cameras[item], images[item], masks[item])


@kernel
def surround(vehicle: np.record, scene: np.record, cameras: np.ndarray, images: np.ndarray) -> None:
    """Write what surrounds a vehicle into images [B, R, R, 3], seen from cameras [B, 5]."""
    axes, stage = np.empty((4, 3)), np.empty(4)
    resolution = images.shape[1]
    for item in range(len(cameras)):
        visibility.look(cameras[item], axes)
        _set_stage(scene, vehicle, axes, stage)
        for row in range(resolution):
            y = ((resolution - 2 * row - 1) / resolution - cameras[item, 4]) * TANGENT
            for column in range(resolution):
                x = ((2 * column + 1 - resolution) / resolution - cameras[item, 3]) * TANGENT
                surroundings(scene, x, y, axes, stage, images[item, row, column])


@kernel
def sample_cameras(seed: int, indices: np.ndarray, cameras: np.ndarray) -> None:
    """Fill the photographer's cameras [B, 5]."""
    for item in range(len(indices)):
        state = counter.stream(seed, indices[item], counter.CAMERA)
        cameras[item, 0] = counter.uniform(state, 0.0, 360.0)
        cameras[item, 1] = counter.uniform(state, 0.0, 30.0)
        cameras[item, 2] = counter.uniform(state, DISTANCES[0], DISTANCES[1])
        cameras[item, 3] = counter.uniform(state, -0.06, 0.06)
        cameras[item, 4] = counter.uniform(state, -0.06, 0.06)
