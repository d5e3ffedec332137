"""Mugs and chairs, all different: y up, the front (a mug's handle) towards +z."""

import colorsys

import numpy as np

from tests.families.parts import Part, box, joined, lathe, tube
from train.data.textured_object import TexturedObject, normalise


def colour(rng, lightest=0.95, darkest=0.1) -> np.ndarray:
    """Any colour, greys among them."""
    saturation = rng.uniform(0, 1) ** 1.5
    return np.array(colorsys.hsv_to_rgb(rng.uniform(), saturation, rng.uniform(darkest, lightest)))


def mug(rng) -> TexturedObject:
    """Straight, conical and bellied mugs, from espresso to stein, banded or not."""
    height, width = rng.uniform(0.7, 1.6), rng.uniform(0.38, 0.6)
    foot, belly = rng.uniform(0.6, 1.05), rng.uniform(-0.12, 0.22)
    up = np.linspace(0, 1, 14)
    outer = width * (foot + (1 - foot) * up + belly * np.sin(np.pi * up))
    wall = rng.uniform(0.04, 0.09)
    rows = [(0, 0), *zip(outer, up * height, strict=True)]
    rows += [
        *zip((outer - wall)[::-1], np.maximum(up * height, wall)[::-1], strict=True),
        (0, wall),
    ]
    outside, inside, band = colour(rng), colour(rng), colour(rng)
    low, high = np.sort(rng.uniform(0, 1, 2)) if rng.uniform() < 0.6 else (2, 2)
    painted = [outside] + [band if low <= u <= high else outside for u in up]
    painted += [inside] * (len(rows) - len(painted))
    # From the top inwards: seen from outside the rows go from the bottom to the top.
    body = lathe(rows, np.array(painted))
    return normalise(joined([body, _handle(rng, height, outer, up, outside)]))


def _handle(rng, height, outer, up, outside) -> Part:
    top, bottom = rng.uniform(0.7, 0.93), rng.uniform(0.1, 0.35)
    reach, square = rng.uniform(0.22, 0.5), rng.uniform(1.0, 3.0)
    turn = np.linspace(np.pi / 2, -np.pi / 2, 16)
    rounded = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** (1 / square)
    ys = ((top + bottom) / 2 + (top - bottom) / 2 * rounded) * height
    zs = np.interp(ys / height, up, outer) - 0.02 + reach * np.cos(turn) ** (1 / square)
    path = np.stack([np.zeros_like(ys), ys, zs], axis=1)
    paint = outside if rng.uniform() < 0.7 else colour(rng)
    return tube(path, rng.uniform(0.035, 0.075), paint)


def chair(rng) -> TexturedObject:
    """Chairs, stools with a back and armchairs, on four legs, a post or runners."""
    width, depth, seat = rng.uniform(0.75, 1.15), rng.uniform(0.75, 1.1), rng.uniform(0.75, 1.1)
    thick, back = rng.uniform(0.05, 0.22), rng.uniform(0.55, 1.3)
    frame, cover = colour(rng), colour(rng)
    parts = [box((0, seat, 0), (width, thick, depth), cover)]
    parts += _legs(rng, width, depth, seat, frame)
    parts += _back(rng, width, depth, seat, back, (frame, cover))
    if rng.uniform() < 0.35:
        parts += _arms(rng, width, depth, seat, frame)
    return normalise(joined(parts))


def _legs(rng, width, depth, seat, frame) -> list[Part]:
    kind, radius = rng.integers(3), rng.uniform(0.025, 0.07)
    if kind == 1:
        foot = rng.uniform(0.3, 0.5)
        return [
            tube([(0, 0.05, 0), (0, seat, 0)], 1.4 * radius, frame),
            lathe([(0, 0), (foot, 0), (foot, 0.05), (0, 0.07)], np.tile(frame, (4, 1))),
        ]
    splay, inset = rng.uniform(0, 0.18), rng.uniform(0.02, 0.12)
    x, z = width / 2 - inset, depth / 2 - inset
    legs = [
        tube([(a * (x + splay), 0, b * (z + splay)), (a * x, seat, b * z)], radius, frame)
        for a in (-1, 1) for b in (-1, 1)
    ]  # fmt: skip
    if kind == 2:
        ends = [(a * (x + splay), radius, b * (z + splay)) for a in (-1, 1) for b in (-1, 1)]
        legs += [tube(ends[:2], radius, frame), tube(ends[2:], radius, frame)]
    return legs


def _back(rng, width, depth, seat, back, colours) -> list[Part]:
    lean, kind, radius = rng.uniform(0, 0.3), rng.integers(3), rng.uniform(0.02, 0.06)
    low, z = seat, -depth / 2 + 0.04
    if kind == 0:
        steps = 5
        return [
            box((0, low + back * (i + 0.5) / steps, z - lean * (i + 0.5) / steps),
                (width * rng.uniform(0.92, 1), back / steps * 1.02, 0.08), colours[1])
            for i in range(steps)
        ]  # fmt: skip
    posts = [
        tube([(a * (width / 2 - 0.05), low, z), (a * (width / 2 - 0.05), low + back, z - lean)],
             radius, colours[0])
        for a in (-1, 1)
    ]  # fmt: skip
    count = rng.integers(2, 6)
    if kind == 1:
        ys = low + back * np.linspace(0.3, 1, count)
        return posts + [
            box((0, y, z - lean * (y - low) / back), (width - 0.08, 0.1, 0.05), colours[1])
            for y in ys
        ]
    xs = np.linspace(-width / 2 + 0.15, width / 2 - 0.15, count)
    rail = box((0, low + back, z - lean), (width, 0.12, 0.07), colours[0])
    bars = [tube([(x, low, z), (x, low + back, z - lean)], 0.7 * radius, colours[1]) for x in xs]
    return [*posts, rail, *bars]


def _arms(rng, width, depth, seat, frame) -> list[Part]:
    height, front = seat + rng.uniform(0.3, 0.5), depth / 2 - 0.1
    parts = []
    for side in (-width / 2, width / 2):
        parts.append(box((side, height, 0), (0.08, 0.06, depth * 0.95), frame))
        parts.append(tube([(side, seat, front), (side, height, front)], 0.035, frame))
    return parts


KINDS = {"mugs": mug, "chairs": chair}
