"""Takes photographs of road vehicles: shades what each sample sees, filters it over pixels."""

import numpy as np

from train.data.road_vehicles import material, outline, shape
from train.data.road_vehicles.light import develop, shade
from train.data.vehicles import counter, visibility
from train.data.vehicles.counter import inlined, kernel
from train.data.vehicles.scene import surroundings
from train.data.vehicles.visibility import TANGENT, Studio

_FACES, _PARTS, _VERTICES = shape.FACES, shape.FACE_PARTS, shape.VERTICES


@inlined
def _shade(vehicle, light, buffers, scratch, down, column, row) -> None:
    """Write the lit colour of what sample (column, row) sees into scratch row 2."""
    face: int = buffers.seen[row, column]
    position, normal, colour, eye = scratch[0], scratch[1], scratch[2], scratch[3]
    flat = 0.25
    for axis in range(3):
        position[axis] = 0.0
        normal[axis] = flat * buffers.normals[_VERTICES + face, axis]
    planes, depth = buffers.planes, 1.0 / buffers.closest[row, column]
    for corner in range(3):
        vertex = _FACES[face, corner]
        weight = planes[face, corner, 0] * column + planes[face, corner, 1] * row
        weight += planes[face, corner, 2]
        weight *= buffers.image[vertex, 2] * depth  # perspective-exact
        for axis in range(3):
            position[axis] += weight * buffers.vertices[vertex, axis]
            normal[axis] += weight * buffers.normals[vertex, axis]
    size = span = 1e-12
    for axis in range(3):
        eye[axis] = buffers.axes[3, axis] - position[axis]
        size += normal[axis] * normal[axis]
        span += eye[axis] * eye[axis]
    size, span = 1.0 / np.sqrt(size), 1.0 / np.sqrt(span)
    for axis in range(3):
        normal[axis] *= size
        eye[axis] *= span
    position[1] += down
    material.surface(vehicle, scratch[8:], _PARTS[face], position, scratch[4], colour)
    shade(light, colour, normal, eye, scratch[5])


@kernel
def _photograph(vehicle, light, scene, buffers, camera, scratch, down, picture, mask) -> None:
    """Write picture [R, R, 3] and mask [R, R]: a box filter over each pixel's samples."""
    resolution = len(mask)
    factor = len(buffers.seen) // resolution
    share = 1.0 / (factor * factor)
    noise_key = counter.mix(scene.noise_key)
    colour, total = scratch[2], scratch[6]
    for row in range(resolution):
        y = ((resolution - 2 * row - 1) / resolution - camera[4]) * TANGENT
        for column in range(resolution):
            total[:3] = 0.0
            covered = 0
            for below in range(factor * row, factor * (row + 1)):
                for across in range(factor * column, factor * (column + 1)):
                    if buffers.seen[below, across] >= 0:
                        _shade(vehicle, light, buffers, scratch, down, across, below)
                        develop(light, colour)
                        for channel in range(3):
                            total[channel] += colour[channel]
                        covered += 1
            coverage = share * covered
            if coverage < 1.0:
                x = ((2 * column + 1 - resolution) / resolution - camera[3]) * TANGENT
                colour[:3] = 0.0
                surroundings(scene, x, y, buffers.axes, buffers.work[5], colour)
                develop(light, colour)
            bits = counter.mix(noise_key ^ np.uint64(row * resolution + column))
            for channel in range(3):
                value = share * total[channel] + (1.0 - coverage) * colour[channel]
                grain = np.float64(bits & np.uint64(1023)) - np.float64(
                    (bits >> np.uint64(10)) & np.uint64(1023)
                )
                bits = bits >> np.uint64(20)
                value += scene.noise * 2.4 * grain / 1023.0
                picture[row, column, channel] = np.uint8(255.0 * min(1.0, max(0.0, value)) + 0.5)
            mask[row, column] = np.uint8(255.0 * coverage + 0.5)


@kernel
def set_stage(buffers, scene, width, length, height) -> None:
    """Where the shadow, the road and the horizon are; see `vehicles.scene.set_stage`."""
    stage, view = buffers.work[5], buffers.axes
    stage[0], stage[1], stage[2] = width, 0.5 * length, -height
    above, far = view[3, 1] - stage[2], scene.wall_distance + np.hypot(view[3, 0], view[3, 2])
    stage[3] = (far * view[2, 1] - above * view[1, 1]) / (above * view[2, 1] + far * view[1, 1])


@kernel
def take(vehicles, lights, scenes, cameras, buffers, images, masks) -> None:
    """Photograph each vehicle into images [B, R, R, 3] and masks [B, R, R]; nothing is cut off.

    The offsets of `cameras` [B, 5] shrink in place so that it is so.
    """
    scratch = np.zeros((8 + outline.STATIONS, outline.LINES))
    for item in range(len(vehicles)):
        down = shape.shape(vehicles[item], scratch[8:], buffers.vertices)
        visibility.fill_normals(buffers)
        visibility.look(cameras[item], buffers.axes)
        visibility.project(buffers)
        visibility.keep_inside(buffers.image, cameras[item])
        visibility.find_visible(buffers, cameras[item, 3], cameras[item, 4])
        vehicle = vehicles[item]
        set_stage(buffers, scenes[item], vehicle.half_width, vehicle.length, down)
        _photograph(
            vehicle,
            lights[item],
            scenes[item],
            buffers,
            cameras[item],
            scratch,
            down,
            images[item],
            masks[item],
        )
