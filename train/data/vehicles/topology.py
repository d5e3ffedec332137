"""Faces of lofted shells: rings of points, one after another, closed at both ends.

A ring has an even number of points, the first and the middle one on the mirror plane. A face is
three indices of vertices, outward counter-clockwise where the rings turn counter-clockwise seen
from the first row.
"""

Faces = list[tuple[int, int, int]]


def loft(rows: int, count: int, start: int) -> Faces:
    """Faces between consecutive rings of `count` points, the first of them vertex `start`."""
    faces = []
    for row in range(rows - 1):
        for point in range(count):
            a, b = start + row * count + point, start + row * count + (point + 1) % count
            faces += [(a, a + count, b + count), (a, b + count, b)]
    return faces


def cap(count: int, start: int) -> Faces:
    """Faces that close one ring with strips across the mirror plane, facing its turning sense."""
    faces = []
    for point in range(count // 2):
        right, above = start + point, start + point + 1
        left, left_above = start + (count - point) % count, start + count - point - 1
        if point > 0:
            faces.append((right, above, left))
        if point < count // 2 - 1:
            faces.append((above, left_above, left))
    return faces


def flip(faces: Faces) -> Faces:
    """The same faces, seen from their other side."""
    return [(a, c, b) for a, b, c in faces]


def closed_loft(rows: int, count: int, start: int) -> Faces:
    """A loft and the caps of its first and last ring: a closed shell."""
    faces = loft(rows, count, start) + cap(count, start)
    return faces + flip(cap(count, start + (rows - 1) * count))
