"""A wedge that is low in front, red there and blue behind, as networks would read it."""

import numpy as np

from graphics.azimuth import BINS
from graphics.camera import AZIMUTH
from graphics.fusing.readings import Reading
from graphics.mesh import sphere_template
from graphics.render import render

SIZE = 64
TEMPLATE = sphere_template(3)
TEXTURE_SIZE = (32, 64)


def wedge(length=0.9, low=0.35):
    """Vertices [V, 3]: `low`: height of its front over that of its rear."""
    x, y, z = TEMPLATE.vertices.T
    height = np.where(z > 0, low + (1 - low) * (1 - z), 1.0)
    return np.stack([0.4 * x, 0.45 * y * height, length * z], axis=-1).astype(np.float32)


def painted(front=(200, 30, 30), rear=(30, 30, 200)):
    """Its texture: u = 0.5 is the front."""
    u = (np.arange(TEXTURE_SIZE[1]) + 0.5) / TEXTURE_SIZE[1]
    ahead = (1 - 2 * np.abs(u - 0.5))[None, :, None]
    texture = ahead * np.array(front) + (1 - ahead) * np.array(rear)
    return np.broadcast_to(texture, (*TEXTURE_SIZE, 3)).astype(np.uint8).copy()


def camera(azimuth, elevation=10.0):
    return np.array([azimuth, elevation, 5, 0, 0], np.float32)


def photograph(azimuth, shape=None, texture=None):
    """Pixels [SIZE, SIZE, 3] and mask [SIZE, SIZE]."""
    shape, texture = wedge() if shape is None else shape, painted() if texture is None else texture
    drawn = render(shape[None], texture[None], camera(azimuth)[None], TEMPLATE, SIZE, samples=2)
    return (drawn.images[0] * 255).astype(np.uint8), drawn.masks[0]


def reading(azimuth, said=None, confidence=0.97, shape=None):
    """A photograph from `azimuth`, of which the network says `said`, and else the opposite.

    `shape`: that the network says.
    """
    pixels, mask = photograph(azimuth)
    said = azimuth if said is None else said
    bins = np.zeros(BINS, np.float32)
    bins[round(said / 15) % BINS] = confidence
    bins[round((said + 180) / 15) % BINS] += 1 - confidence
    flat = np.full((*TEXTURE_SIZE, 3), 0.5, np.float32)
    shape = wedge() if shape is None else shape
    return Reading(pixels, mask, shape, flat, camera(said), confidence, bins)


def azimuth_of(row):
    return float(row[AZIMUTH]) % 360
