"""One texture from several photographs: each texel from those that see it best.

Exposures are equalised first, by what pairs of photographs both show. Where a photograph sees the
surface well it counts far more than one that sees it from the side, and where two see it as well
they are mixed, so that there is no seam.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.render import View
from graphics.texture_transfer import TextureTransfer

Array = NDArray[np.float32]

COSINE_LIMITS = (0.15, 1.0)
"""Between normal and view: not seen at all, seen as well as can be."""
SEEN_WELL = 0.37
"""Quality from which on nothing but photographs makes a texel's colour: of a cosine of 0.5."""
SHARPNESS = 3
"""Power of the quality by which photographs are mixed."""
EXPOSURE_DOUBT = 0.05
"""Share of the texels that two photographs have to share before their exposures are compared by it
rather than believed to be equal."""
DARKEST = 8.0
"""Of 255: added to colours whose ratio is taken."""


class Shot(NamedTuple):
    """A photograph to paint with."""

    photograph: NDArray[np.uint8]
    """[H, H, 3], best about as high as the texture"""
    mask: Array
    """[R, R] in 0..1, of the same square"""
    view: View
    """B = 1: the mesh as the photograph's camera sees it"""
    weight: float
    """0..1: how much it is trusted"""


class Painted(NamedTuple):
    """A texture, and what it was painted from."""

    texture: NDArray[np.uint8]
    """[Ht, Wt, 3]"""
    views: NDArray[np.uint8]
    """[Ht, Wt]: photographs that show each texel; mirror images are not counted"""


def paint(
    transfer: TextureTransfer,
    shots: Sequence[Shot],
    texture: Array,  # [Ht, Wt, 3] in 0..1: what shows where no photograph does
    symmetric: bool,
) -> Painted:
    """Paint a texture from all photographs.

    `symmetric`: what no photograph shows takes the colour of its mirror image, if one shows that.
    """
    found = [transfer.seen(shot.photograph, shot.mask, shot.view, COSINE_LIMITS) for shot in shots]
    colours = np.stack([seen for seen, _ in found])  # [N, Ht, Wt, 3]
    qualities = np.stack([weights for _, weights in found])  # [N, Ht, Wt]
    views = np.count_nonzero(qualities > 0, axis=0).astype(np.uint8)
    gains = exposures(colours, qualities)
    trusted = np.array([max(shot.weight, 1e-3) for shot in shots], np.float32)
    shares = well = qualities * trusted[:, None, None]
    for _ in range(SHARPNESS - 1):  # `**` takes ten times as long
        shares = shares * well
    total = shares.sum(axis=0)
    mixed = np.einsum("nhw,nhwc,nc->hwc", shares, colours, gains)
    mixed /= np.maximum(total, 1e-12)[..., None]
    own = np.minimum(qualities.max(axis=0) / SEEN_WELL, 1)[..., None]
    painted = own * mixed
    rest = 1 - own
    if symmetric:
        other = (transfer.mirrored >= 0)[..., None] * rest
        mirrored = own.reshape(-1, 1)[transfer.mirrored] * other
        painted += mirrored * mixed.reshape(-1, 3)[transfer.mirrored]
        rest = rest - mirrored
    painted += rest * 255 * np.clip(texture, 0, 1)
    return Painted(np.rint(np.clip(painted, 0, 255)).astype(np.uint8), views)


def exposures(
    colours: Array,  # [N, Ht, Wt, 3] in 0..255
    qualities: Array,  # [N, Ht, Wt] in 0..1
) -> Array:  # [N, 3]
    """The factors by which photographs are as bright, channel by channel, where two show the same.

    Their geometric mean is 1. Photographs that share little are believed to be equal.
    """
    count = len(colours)
    matrix, pull = EXPOSURE_DOUBT * np.eye(count), np.zeros((count, 3))
    logs = np.log(colours + DARKEST)
    for one in range(count):
        for other in range(one + 1, count):
            both = np.minimum(qualities[one], qualities[other])
            share = float(both.mean())
            if share <= 0:
                continue
            apart = np.einsum("hw,hwc->c", both, logs[other] - logs[one]) / both.sum()
            matrix[[one, other], [one, other]] += share
            matrix[[one, other], [other, one]] -= share
            pull[one] += share * apart
            pull[other] -= share * apart
    gains = np.linalg.solve(matrix, pull)
    return np.exp(gains - gains.mean(axis=0)).astype(np.float32)


def coverage(transfer: TextureTransfer, view: View, views: NDArray[np.uint8], most: int) -> Array:
    """Shares [most + 1] of the surface of `view`, B = 1, that 0, 1, … `most` photographs show."""
    faces = transfer.texels.face_index[0]
    corners = view.projected.vertices_camera[0][transfer.template.faces]
    areas = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    there = faces >= 0
    texels = np.bincount(faces[there], minlength=len(areas))
    each = (areas / np.maximum(texels, 1))[faces[there]]
    shares = np.bincount(np.minimum(views[there], most), each, most + 1)
    return (shares / max(float(shares.sum()), 1e-12)).astype(np.float32)
