"""Parts that objects are built of, each of one colour: boxes, tubes, lathed bodies."""

from typing import NamedTuple

import numpy as np

from train.data.textured_object import UNTEXTURED, TexturedObject


class Part(NamedTuple):
    vertices: np.ndarray  # [V, 3]
    faces: np.ndarray  # [F, 3], counter-clockwise seen from outside
    colours: np.ndarray  # [F, 3] in 0..1


def box(middle, sides, colour) -> Part:
    """An upright box."""
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = np.array([half for a, b, c, d in quads for half in ((a, b, c), (a, c, d))])
    return Part(corners * sides + middle, faces, np.tile(colour, (len(faces), 1)))


def grid(points, colours, closed_across=True, closed_along=False) -> Part:
    """A surface through points [N, M, 3]; `colours`: [N, 3] of its rows."""
    rows, columns = points.shape[:2]
    faces, painted = [], []
    for i in range(rows if closed_along else rows - 1):
        for j in range(columns if closed_across else columns - 1):
            a, b = i * columns + j, i * columns + (j + 1) % columns
            c, d = (b + columns) % (rows * columns), (a + columns) % (rows * columns)
            faces += [(a, b, c), (a, c, d)]
            painted += [colours[i]] * 2
    return Part(points.reshape(-1, 3), np.array(faces), np.array(painted))


def lathe(profile, colours, around=32) -> Part:
    """A body around the y axis; `profile`: [N, 2] radius and height, from its axis to its axis."""
    turn = 2 * np.pi * np.arange(around) / around
    radius, height = np.asarray(profile).T[..., None]
    points = [radius * np.sin(turn), np.broadcast_to(height, (len(profile), around))]
    points = np.stack([points[0], points[1], radius * np.cos(turn)], axis=-1)
    return grid(points, colours)


def tube(path, radius, colour, around=10) -> Part:
    """A round bar along a path [N, 3], with flat ends."""
    path = np.asarray(path, float)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.array([1.0, 0, 0]) if abs(along[0, 0]) < 0.9 else np.array([0, 1.0, 0])
    first = np.cross(along, aside)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(along, first)
    turn = 2 * np.pi * np.arange(around) / around
    rings = path[:, None] + radius * (
        np.cos(turn)[:, None] * first[:, None] + np.sin(turn)[:, None] * second[:, None]
    )
    ends = [np.repeat(path[[end]], around, 0)[None] for end in (0, -1)]
    points = np.concatenate([ends[0], rings, ends[1]])
    return grid(points, np.tile(colour, (len(points), 1)))


def joined(parts: list[Part]) -> TexturedObject:
    """One object."""
    firsts = np.cumsum([0] + [len(part.vertices) for part in parts])
    faces = np.concatenate(
        [part.faces + first for part, first in zip(parts, firsts, strict=False)]
    ).astype(np.int32)
    colours = np.concatenate([part.colours for part in parts]).astype(np.float32)
    return TexturedObject(
        np.concatenate([part.vertices for part in parts]).astype(np.float32),
        faces,
        np.zeros((*faces.shape, 2), np.float32),
        np.repeat(colours[:, None], 3, axis=1),
        np.full(len(faces), UNTEXTURED, np.int32),
        (),
    )
