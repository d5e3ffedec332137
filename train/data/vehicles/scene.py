"""What surrounds a vehicle: sun, sky or wall, ground, contact shadow, the camera's own noise.

All patterns are functions of image position in [-1, 1], never of the pixel count. Only the horizon,
the ground's perspective and the shadow depend on the camera.
"""

import numpy as np

from graphics.camera import focal_length
from train.data.vehicles import counter
from train.data.vehicles.counter import kernel

_FOCAL = focal_length()
_ODD = np.uint64(0xD6E8FEB86659FD93)
SKY, PLAIN, STRIPES, BRICKS, FOLIAGE, STUDIO = range(6)

SCENE = np.dtype(
    [("backdrop", np.int32), ("pattern_key", np.uint64), ("noise_key", np.uint64)]
    + [
        (name, np.float64)
        for name in (
            "sun_strength ambient exposure wall_distance horizon_blur ground_grain ground_scale "
            "scale angle contrast phase shadow shadow_spread noise gradient"
        ).split()
    ]
    + [(name, np.float64, (3,)) for name in ("sun", "sun_tint", "near", "far", "second", "ground")]
)
"""One scene. `sun` is a unit vector towards the sun in the object's frame."""


@kernel
def _sample_light(scene: np.record, state: np.ndarray) -> None:
    azimuth = counter.uniform(state, 0.0, 2.0 * np.pi)
    height = counter.uniform(state, 0.45, 1.35)
    scene.sun[0] = np.cos(height) * np.sin(azimuth)
    scene.sun[1] = np.sin(height)
    scene.sun[2] = np.cos(height) * np.cos(azimuth)
    scene.sun_strength = counter.uniform(state, 0.15, 0.65)
    scene.ambient = counter.uniform(state, 0.58, 0.80)
    warmth = counter.uniform(state, -0.06, 0.10)
    scene.sun_tint[0], scene.sun_tint[1], scene.sun_tint[2] = 1.0 + warmth, 1.0, 1.0 - warmth
    scene.exposure = counter.uniform(state, 0.90, 1.15)
    # A weak sun means a soft, wide shadow.
    scene.shadow = counter.uniform(state, 0.45, 0.80)
    scene.shadow_spread = counter.uniform(state, 0.25, 0.55) - 0.2 * scene.sun_strength
    scene.noise = counter.uniform(state, 0.003, 0.016)


@kernel
def _sample_ground(scene: np.record, state: np.ndarray) -> None:
    choice = counter.uniform(state, 0.0, 1.0)
    if choice < 0.55:  # asphalt, concrete
        value = counter.uniform(state, 0.25, 0.75)
        tint = counter.uniform(state, 0.0, 0.08)
        counter.hue_colour(counter.uniform(state, 0.0, 1.0), tint, value, scene.ground)
    elif choice < 0.70:  # grass
        hue, value = counter.uniform(state, 0.20, 0.32), counter.uniform(state, 0.30, 0.60)
        counter.hue_colour(hue, counter.uniform(state, 0.30, 0.60), value, scene.ground)
    elif choice < 0.85:  # sand, earth
        hue, value = counter.uniform(state, 0.06, 0.13), counter.uniform(state, 0.40, 0.80)
        counter.hue_colour(hue, counter.uniform(state, 0.20, 0.50), value, scene.ground)
    else:  # snow, salt, a painted floor
        hue, value = counter.uniform(state, 0.0, 1.0), counter.uniform(state, 0.70, 0.95)
        counter.hue_colour(hue, counter.uniform(state, 0.0, 0.25), value, scene.ground)
    scene.ground_grain = counter.uniform(state, 0.02, 0.22)
    scene.ground_scale = counter.uniform(state, 1.2, 5.0)


@kernel
def sample_scene(scene: np.record, seed: int, index: int) -> None:
    """Fill one SCENE record with the scene of (seed, index)."""
    state = counter.stream(seed, index, counter.SCENE)
    scene.pattern_key = counter.mix(state[0])
    scene.noise_key = counter.stream(seed, index, counter.SENSOR)[0]
    _sample_light(scene, state)
    _sample_ground(scene, state)
    scene.backdrop = int(counter.uniform(state, 0.0, 6.0))
    hue = counter.uniform(state, 0.0, 1.0)
    saturation, value = counter.uniform(state, 0.0, 0.6), counter.uniform(state, 0.30, 0.92)
    if scene.backdrop == SKY:
        hue, saturation = counter.uniform(state, 0.52, 0.64), counter.uniform(state, 0.10, 0.6)
        value = counter.uniform(state, 0.65, 0.98)
    elif scene.backdrop == FOLIAGE:
        hue, saturation = counter.uniform(state, 0.17, 0.40), counter.uniform(state, 0.2, 0.6)
        value = counter.uniform(state, 0.25, 0.60)
    counter.hue_colour(hue, saturation, value, scene.near)
    hue += counter.uniform(state, -0.08, 0.08)
    value *= counter.uniform(state, 0.5, 1.0)
    counter.hue_colour(hue % 1.0, saturation * counter.uniform(state, 0.3, 1.2), value, scene.far)
    counter.hue_colour(counter.uniform(state, 0.0, 1.0), 0.3, value, scene.second)
    if scene.backdrop == STUDIO:
        scene.ground[:] = scene.near
    scene.scale = counter.uniform(state, 3.0, 11.0)
    scene.angle = 0.0 if counter.chance(state, 0.6) else 0.5 * np.pi
    scene.contrast = counter.uniform(state, 0.1, 0.9)
    scene.phase = counter.uniform(state, 0.0, 1.0)
    scene.gradient = counter.uniform(state, -0.25, 0.25)
    scene.horizon_blur = counter.uniform(state, 0.01, 0.08)
    scene.wall_distance = 60.0 if scene.backdrop == SKY else counter.uniform(state, 1.5, 6.0)
    if scene.backdrop == STUDIO:
        scene.horizon_blur = 0.8
        scene.ground_grain *= 0.3


@kernel
def _lattice(key: np.uint64, column: int, row: int) -> float:
    """Hash of a lattice point, in [-1, 1)."""
    point = np.uint64(column & 0xFFFF) | (np.uint64(row & 0xFFFF) << np.uint64(16))
    # Two multiplications, not SplitMix's full finaliser: this runs for every pixel.
    bits = (key ^ point) * _ODD
    bits = (bits ^ (bits >> np.uint64(32))) * _ODD
    return np.float64(bits >> np.uint64(40)) * (2.0 / 16777216.0) - 1.0


@kernel
def value_noise(key: np.uint64, x: float, y: float) -> float:
    """Smooth noise in [-1, 1] with features of about one unit."""
    column, row = int(np.floor(x)), int(np.floor(y))
    across, up = x - column, y - row
    across *= across * (3.0 - 2.0 * across)
    up *= up * (3.0 - 2.0 * up)
    low = _lattice(key, column, row)
    low += across * (_lattice(key, column + 1, row) - low)
    high = _lattice(key, column, row + 1)
    high += across * (_lattice(key, column + 1, row + 1) - high)
    return low + up * (high - low)


@kernel
def _backdrop(scene: np.record, x: float, y: float, colour: np.ndarray) -> None:
    """Colour [3] behind the ground at image position (x, y above the horizon)."""
    share = 0.0
    if scene.backdrop == SKY:
        clouds = value_noise(scene.pattern_key, 1.5 * x + 9.0, 3.5 * y)
        share = min(1.0, max(0.0, 0.6 * y + 0.6 * scene.contrast * clouds))
        # Hills or a skyline along the horizon.
        ridge = 0.10 + 0.12 * value_noise(scene.pattern_key, scene.scale * 0.4 * x, 77.0)
        if scene.contrast > 0.4 and y < ridge:
            for channel in range(3):
                colour[channel] = scene.second[channel]
            return
    elif scene.backdrop == STRIPES:
        wave = np.sin(scene.scale * 2.2 * (x * np.cos(scene.angle) + y * np.sin(scene.angle)))
        share = min(1.0, max(0.0, 0.5 + 2.5 * wave)) * scene.contrast
    elif scene.backdrop == BRICKS:
        row = np.floor(y * scene.scale)
        across = (x * scene.scale * 0.5 + 0.5 * (row % 2.0)) % 1.0
        joint = across < 0.08 or (y * scene.scale) % 1.0 < 0.16
        tone = _lattice(scene.pattern_key, int(np.floor(x * scene.scale * 0.5)), int(row))
        share = scene.contrast if joint else 0.25 + 0.25 * tone
    elif scene.backdrop == FOLIAGE:
        coarse = value_noise(scene.pattern_key, scene.scale * 0.5 * x, scene.scale * 0.5 * y)
        fine = value_noise(scene.pattern_key, scene.scale * 1.7 * x, scene.scale * 1.7 * y)
        share = min(1.0, max(0.0, 0.5 + 0.6 * coarse + 0.4 * fine))
    else:
        share = 0.5 * (1.0 - x * scene.gradient * 2.0)
    for channel in range(3):
        colour[channel] = scene.near[channel] + share * (scene.far[channel] - scene.near[channel])


@kernel
def _smooth(low: float, high: float, value: float) -> float:
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return share * share * (3.0 - 2.0 * share)


@kernel
def set_stage(
    scene: np.record, half_width: float, half_length: float, road: float, view: np.ndarray,
    stage: np.ndarray,
) -> None:  # fmt: skip
    """Write [4]: half width and length of the shadow, height of the road, y of the horizon.

    half_width, half_length: those of the object. road: its height in the object's frame. view: see
    `surroundings`. The backdrop is a wall square to the camera, so its foot is a level line in the
    picture.
    """
    stage[0], stage[1], stage[2] = half_width, half_length, road
    height, far = view[3, 1] - road, scene.wall_distance + np.hypot(view[3, 0], view[3, 2])
    stage[3] = (far * view[2, 1] - height * view[1, 1]) / (height * view[2, 1] + far * view[1, 1])


@kernel
def surroundings(
    scene: np.record, x: float, y: float, view: np.ndarray, stage: np.ndarray, colour: np.ndarray
) -> None:
    """Write the colour [3] behind the object at image position (x, y).

    x, y: without the camera's offset and divided by the focal length. view: [4, 3] rows right, up,
    backward and eye of the camera, in the object's frame. stage: see `set_stage`.
    """
    above = (y - stage[3]) * _FOCAL
    blend = 1.0
    if above > -scene.horizon_blur:
        _backdrop(scene, x * _FOCAL, max(above, 0.0), colour)
        if above >= 0.0:
            return
        blend = _smooth(0.0, scene.horizon_blur, -above)
    fall = y * view[1, 1] - view[2, 1]
    reach = (stage[2] - view[3, 1]) / min(fall, -1e-3)
    scale = scene.ground_scale * reach
    grain = value_noise(scene.pattern_key, x * scale, scale)
    tone = 1.0 + scene.ground_grain * grain / (1.0 + 0.02 * reach * reach)
    across = view[3, 0] + reach * (x * view[0, 0] + y * view[1, 0] - view[2, 0])
    ahead = view[3, 2] + reach * (x * view[0, 2] + y * view[1, 2] - view[2, 2])
    across, ahead = across / stage[0], ahead / stage[1]
    across, ahead = across * across, ahead * ahead
    if across < 4.0 and ahead < 4.0:
        oval = np.sqrt(np.sqrt(across * across + ahead * ahead))
        spread = scene.shadow_spread
        tone *= 1.0 - scene.shadow * (1.0 - _smooth(0.85 - 0.5 * spread, 1.05 + spread, oval))
    for channel in range(3):
        colour[channel] += blend * (scene.ground[channel] * tone - colour[channel])


@kernel
def write_pixel(colour: np.ndarray, noise: float, key: np.uint64, out: np.ndarray) -> None:
    """Add the sensor's noise (triangular, `noise` its deviation) to RGB 0..1; round to uint8 [3].

    key: of the picture's noise and the pixel's number; every channel gets bits of its own.
    """
    bits = counter.mix(key)
    for channel in range(3):
        first = np.float64(bits & np.uint64(1023))
        second = np.float64((bits >> np.uint64(10)) & np.uint64(1023))
        bits = bits >> np.uint64(20)
        value = colour[channel] + noise * 2.4 * (first - second) / 1023.0
        out[channel] = np.uint8(255.0 * min(1.0, max(0.0, value)) + 0.5)
