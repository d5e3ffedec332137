"""How a road vehicle's surface looks in its surroundings: daylight, clear coat, glass, night."""

import numpy as np

from train.data.vehicles import counter
from train.data.vehicles.counter import inlined, kernel
from train.data.vehicles.scene import value_noise

_STREAM = 18  # purpose of a light's random numbers; those in `counter` are others
_LATITUDE = 0.8  # values above it are compressed towards 1, as cameras do

_NUMBERS = (
    "sky ground horizon skyline contrast coat sharpness tone saturation exposure ambient sun flash "
    "lift"
)
_VECTORS = "sun_direction sky_tint wall_tint ground_tint"
LIGHT = np.dtype(
    [("key", np.uint64)]
    + [(name, np.float64) for name in _NUMBERS.split()]
    + [(name, np.float64, (3,)) for name in _VECTORS.split()]
)
"""One light: what shines on the vehicle, what it mirrors, how the camera develops it.

Radiances are relative to a white surface in the open, directions unit vectors in the object's
frame. `key` is that of the noise of clouds and walls."""


@kernel
def _sample_directions(light: np.record, state: np.ndarray) -> None:
    """The sun's direction, and the tints of sky, walls and ground."""
    azimuth, height = counter.uniform(state, 0.0, 2.0 * np.pi), counter.uniform(state, 0.25, 1.45)
    light.sun_direction[0] = np.cos(height) * np.sin(azimuth)
    light.sun_direction[1] = np.sin(height)
    light.sun_direction[2] = np.cos(height) * np.cos(azimuth)
    hue, saturation = counter.uniform(state, 0.50, 0.66), counter.uniform(state, 0.0, 0.45)
    counter.hue_colour(hue, saturation, 1.0, light.sky_tint)
    hue, saturation = counter.uniform(state, 0.0, 1.0), counter.uniform(state, 0.0, 0.4)
    counter.hue_colour(hue, saturation, 1.0, light.wall_tint)
    hue, saturation = counter.uniform(state, 0.0, 0.3), counter.uniform(state, 0.0, 0.3)
    counter.hue_colour(hue, saturation, 1.0, light.ground_tint)


@kernel
def sample_light(light: np.record, seed: int, index: int) -> None:
    """Fill one LIGHT record with the light of (seed, index)."""
    state = counter.stream(seed, index, _STREAM)
    light.key = counter.mix(state[0])
    night = counter.chance(state, 0.12)
    light.sky = counter.uniform(state, 0.6, 1.5) * (0.12 if night else 1.0)
    light.ground = counter.uniform(state, 0.08, 0.5) * (0.4 if night else 1.0)
    light.horizon = counter.uniform(state, 0.05, 0.8)
    light.skyline = counter.uniform(state, 0.0, 0.7)  # height of walls, trees around, as a sine
    light.contrast = counter.uniform(state, 0.1, 1.0)
    light.coat = counter.uniform(state, 0.4, 1.6)
    light.sharpness = counter.uniform(state, 8.0, 200.0)
    light.tone = counter.uniform(state, 0.7, 1.6)
    light.saturation = counter.uniform(state, 0.6, 1.35)
    light.exposure = counter.uniform(state, 0.95, 1.60)
    light.ambient = counter.uniform(state, 0.45, 0.85) * (0.5 if night else 1.0)
    light.sun = counter.uniform(state, 0.0, 0.9) * (0.1 if night else 1.0)
    light.flash = counter.uniform(state, 0.0, 0.5) if night or counter.chance(state, 0.1) else 0.0
    light.lift = counter.uniform(state, -0.03, 0.06)
    _sample_directions(light, state)


@kernel
def _seen_in(light: np.record, x: float, y: float, z: float, out: np.ndarray) -> None:
    """Radiance [3] that comes from direction (x, y, z): sky, walls and trees, ground."""
    around = np.arctan2(x, z)
    noise = value_noise(light.key, 2.5 * around + 20.0, 1.0)
    top = light.skyline * (0.55 + 0.45 * noise)
    if y > top:
        level = light.sky * (0.75 + 0.25 * y)
        clouds = value_noise(light.key, 3.0 * around, 5.0 * y + 40.0)
        level *= 1.0 + 0.25 * light.contrast * clouds
        for channel in range(3):
            out[channel] = level * light.sky_tint[channel]
    elif y > -0.02:
        detail = value_noise(light.key, 9.0 * around, 9.0 * y + 80.0)
        level = light.horizon * (1.0 + light.contrast * detail)
        for channel in range(3):
            out[channel] = level * light.wall_tint[channel]
    else:
        level = light.ground * (1.0 + 0.5 * y)
        for channel in range(3):
            out[channel] = level * light.ground_tint[channel]


@inlined
def shade(
    light: np.record, colour: np.ndarray, normal: np.ndarray, eye: np.ndarray, mirrored: np.ndarray
) -> None:
    """Replace RGB of `colour` [5] (RGB, gloss, glass) by the radiance in direction `eye`.

    Ambient light and sun by Lambert, the sun's glint by Blinn and Phong, reflections by Schlick's
    approximation of Fresnel's law. normal, eye: unit vectors [3]. mirrored [3] is scratch.
    """
    facing = normal[0] * eye[0] + normal[1] * eye[1] + normal[2] * eye[2]
    facing = min(max(facing, 0.0), 1.0)
    sunlit = halfway = length = 0.0
    for axis in range(3):
        sunlit += normal[axis] * light.sun_direction[axis]
        middle = eye[axis] + light.sun_direction[axis]
        halfway += normal[axis] * middle
        length += middle * middle
    sunlit, halfway = max(sunlit, 0.0), max(halfway, 0.0) / np.sqrt(length + 1e-9)
    gloss = colour[3]
    grazing = 1.0 - facing
    fresnel = (0.04 + 0.96 * grazing * grazing * grazing * grazing * grazing) * gloss * light.coat
    if colour[4] > 0.5:  # glass
        fresnel = min(1.0, 2.0 * fresnel + 0.04)
    reach = 2.0 * facing
    _seen_in(
        light,
        reach * normal[0] - eye[0],
        reach * normal[1] - eye[1],
        reach * normal[2] - eye[2],
        mirrored,
    )
    glint = gloss * light.sun * 1.5 * halfway**light.sharpness
    dome = light.ambient * (0.62 + 0.38 * normal[1]) + light.flash * facing
    for channel in range(3):
        sky = dome * (0.8 + 0.2 * light.sky_tint[channel])
        lit = colour[channel] * (sky + light.sun * sunlit)
        colour[channel] = lit + fresnel * mirrored[channel] + glint


@inlined
def develop(light: np.record, colour: np.ndarray) -> None:
    """Exposure, tone curve and saturation of a camera: radiances [3] to RGB 0..1, in place."""
    mean = 0.0
    for channel in range(3):
        value = max(light.exposure * colour[channel] + light.lift, 0.0)
        if value >= _LATITUDE:
            value = 0.8 + 0.2 * (1.0 - np.exp(-(value - 0.8) / 0.2))
        colour[channel] = value**light.tone
        mean += colour[channel] / 3.0
    for channel in range(3):
        colour[channel] = min(1.0, max(0.0, mean + light.saturation * (colour[channel] - mean)))
