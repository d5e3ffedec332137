"""Takes photographs of road vehicles: shades what each sample sees, filters it over pixels."""

import numpy as np

from train.data.road_vehicles import material, shape
from train.data.road_vehicles.light import develop, sample_light, shade
from train.data.road_vehicles.outline import LINES, STATIONS
from train.data.road_vehicles.vehicle import sample_vehicle
from train.data.vehicles import counter, visibility
from train.data.vehicles.counter import inlined, kernel
from train.data.vehicles.scene import sample_scene, set_stage, surroundings, write_pixel
from train.data.vehicles.visibility import (
    EYE,
    NORMAL,
    POSITION,
    STAGE,
    TANGENT,
    Studio,
    find_point,
)

SAMPLES = 2  # across a pixel and down: four in all
_FLATNESS = 0.25  # of normals: see `visibility.find_point`
_PARTS = shape.FACE_PARTS


# Rows of a desk: lines of the hull where the sample is, its RGB, gloss and glass, what it mirrors,
# sum over a pixel's samples; from TABLE on the lines at every station.
LINE, COLOUR, MIRRORED, TOTAL, TABLE = range(5)


def desk() -> np.ndarray:
    """Scratch for the colours of one picture at a time, float64 [TABLE + STATIONS, LINES]."""
    return np.zeros((TABLE + STATIONS, LINES))


@inlined
def _shade(
    vehicle: np.record, light: np.record, face: int, eye: np.ndarray, work: np.ndarray,
    desk: np.ndarray,
) -> None:  # fmt: skip
    """Write the colour that a camera at `eye` [3] gets of the face's point in `work`."""
    part: int = _PARTS[face]
    position, towards, colour = work[POSITION], work[EYE], desk[COLOUR]
    size = 1e-12
    for axis in range(3):
        towards[axis] = eye[axis] - position[axis]
        size += towards[axis] * towards[axis]
    size = 1.0 / np.sqrt(size)
    for axis in range(3):
        towards[axis] *= size
    position[1] -= work[STAGE, 2]  # from the canonical frame to heights above the road
    material.surface(vehicle, desk[TABLE:], part, position, desk[LINE], colour)
    shade(light, colour, work[NORMAL], towards, desk[MIRRORED])
    develop(light, colour)


@kernel
def _develop(
    records: tuple[np.record, np.record, np.record], camera: np.ndarray, buffers: Studio,
    desk: np.ndarray, picture: np.ndarray, mask: np.ndarray,
) -> None:  # fmt: skip
    """Write picture [R, R, 3] and mask [R, R]: a box filter over each pixel's samples."""
    vehicle, light, scene = records
    resolution = len(mask)
    share, noise_key = 1.0 / (SAMPLES * SAMPLES), counter.mix(scene.noise_key)
    colour, total, eye = desk[COLOUR], desk[TOTAL], buffers.axes[3]
    for row in range(resolution):
        y = ((resolution - 2 * row - 1) / resolution - camera[4]) * TANGENT
        for column in range(resolution):
            total[:3] = 0.0
            covered = 0
            for down in range(SAMPLES * row, SAMPLES * (row + 1)):
                for across in range(SAMPLES * column, SAMPLES * (column + 1)):
                    face: int = buffers.seen[down, across]
                    if face >= 0:
                        find_point(buffers, across, down, _FLATNESS)
                        _shade(vehicle, light, face, eye, buffers.work, desk)
                        for channel in range(3):
                            total[channel] += colour[channel]
                        covered += 1
            coverage = share * covered
            if coverage < 1.0:
                x = ((2 * column + 1 - resolution) / resolution - camera[3]) * TANGENT
                colour[:3] = 0.0
                surroundings(scene, x, y, buffers.axes, buffers.work[STAGE], colour)
                develop(light, colour)
            for channel in range(3):
                behind = (1.0 - coverage) * colour[channel]
                colour[channel] = share * total[channel] + behind
            key = noise_key ^ np.uint64(row * resolution + column)
            write_pixel(colour, scene.noise, key, picture[row, column])
            mask[row, column] = np.uint8(255.0 * coverage + 0.5)


@kernel
def sample_records(
    seed: int, indices: np.ndarray, records: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    """Fill the VEHICLE, LIGHT and SCENE records of each index."""
    vehicles, lights, scenes = records
    for item in range(len(indices)):
        sample_vehicle(vehicles[item], seed, indices[item])
        sample_light(lights[item], seed, indices[item])
        sample_scene(scenes[item], seed, indices[item])


@kernel
def sample_cameras(seed: int, indices: np.ndarray, cameras: np.ndarray) -> None:
    """Fill the photographer's cameras [B, 5]."""
    for item in range(len(indices)):
        state = counter.stream(seed, indices[item], counter.CAMERA)
        cameras[item, 0] = counter.uniform(state, 0.0, 360.0)
        if counter.chance(state, 0.5):
            cameras[item, 1] = counter.uniform(state, -2.0, 30.0)
        else:
            cameras[item, 1] = counter.uniform(state, 0.0, 15.0)  # where most people stand
        cameras[item, 2] = counter.uniform(state, 4.9, 6.2)
        cameras[item, 3] = counter.uniform(state, -0.06, 0.06)
        cameras[item, 4] = counter.uniform(state, -0.06, 0.06)


@kernel
def take(
    records: tuple[np.ndarray, np.ndarray, np.ndarray], cameras: np.ndarray, buffers: Studio,
    desk: np.ndarray, pictures: tuple[np.ndarray, np.ndarray],
) -> None:  # fmt: skip
    """Photograph each vehicle into images [B, R, R, 3] and masks [B, R, R] of `pictures`.

    The offsets of `cameras` [B, 5] shrink in place where they would push a vehicle out of its
    picture.
    """
    vehicles, lights, scenes = records
    images, masks = pictures
    for item in range(len(vehicles)):
        vehicle = vehicles[item]
        middle = shape.shape(vehicle, desk[TABLE:], buffers.vertices)
        visibility.fill_normals(buffers)
        visibility.look(cameras[item], buffers.axes)
        visibility.project(buffers)
        visibility.keep_inside(buffers.image, cameras[item])
        visibility.find_visible(buffers, cameras[item, 3], cameras[item, 4])
        half = 0.5 * vehicle.length
        stage = buffers.work[STAGE]
        set_stage(scenes[item], vehicle.half_width, half, -middle, buffers.axes, stage)
        one = (vehicle, lights[item], scenes[item])
        _develop(one, cameras[item], buffers, desk, images[item], masks[item])
