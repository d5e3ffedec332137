"""How a road vehicle's surface looks in its surroundings: daylight, clear coat, glass, night."""

import numpy as np

from train.data.vehicles import counter
from train.data.vehicles.counter import inlined, kernel
from train.data.vehicles.scene import value_noise

LIGHT = np.dtype(
    [("key", np.uint64)]
    + [
        (name, np.float64)
        for name in (
            "sky ground horizon skyline contrast coat sharpness tone saturation exposure ambient "
            "sun flash lift"
        ).split()
    ]
    + [
        (name, np.float64, (3,))
        for name in ("sun_direction", "sky_tint", "wall_tint", "ground_tint")
    ]
)
"""One light. Radiances relative to a white surface in the open; directions in the object's frame."""


@kernel
def sample_light(light: np.record, seed: int, index: int) -> None:
    """Fill one LIGHT record with the light of (seed, index)."""
    state = counter.stream(seed, index, counter.SCENE + 16)
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
    azimuth, height = counter.uniform(state, 0.0, 2.0 * np.pi), counter.uniform(state, 0.25, 1.45)
    light.sun_direction[0] = np.cos(height) * np.sin(azimuth)
    light.sun_direction[1] = np.sin(height)
    light.sun_direction[2] = np.cos(height) * np.cos(azimuth)
    counter.hue_colour(
        counter.uniform(state, 0.50, 0.66), counter.uniform(state, 0.0, 0.45), 1.0, light.sky_tint
    )
    counter.hue_colour(
        counter.uniform(state, 0.0, 1.0), counter.uniform(state, 0.0, 0.4), 1.0, light.wall_tint
    )
    counter.hue_colour(
        counter.uniform(state, 0.0, 0.3), counter.uniform(state, 0.0, 0.3), 1.0, light.ground_tint
    )


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
def shade(light, colour, normal, eye, mirrored) -> None:
    """Replace the surface's `colour` (RGB, gloss, glass) by what a camera in direction `eye` sees.

    normal, eye: unit vectors; `mirrored` [3] is scratch.
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
    if colour[4] > 0.5:
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
def develop(light, colour) -> None:
    """Exposure, tone curve and saturation of a camera, on colour [3]."""
    mean = 0.0
    for channel in range(3):
        value = max(light.exposure * colour[channel] + light.lift, 0.0)
        value = value if value < 0.8 else 0.8 + 0.2 * (1.0 - np.exp(-(value - 0.8) / 0.2))
        colour[channel] = value**light.tone
        mean += colour[channel] / 3.0
    for channel in range(3):
        colour[channel] = min(1.0, max(0.0, mean + light.saturation * (colour[channel] - mean)))
