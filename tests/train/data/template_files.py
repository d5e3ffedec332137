"""Meshes as somebody would give them for a template."""

from pathlib import Path

import numpy as np

AROUND, ACROSS = 16, 8


def write_ring(path: Path, uvs: str = "mirrored", squeeze: float = 1.0) -> Path:
    """A ring seen from the front, symmetric about x = 0, as an OBJ file.

    `uvs`: `mirrored` at u = 0.5, `quarter` of the texture turned by 90 degrees, or `none`;
    `squeeze`: of its side x < 0, which makes it unsymmetric.
    """
    lines = []
    for i in range(AROUND):
        turn = 2 * np.pi * (i / AROUND - 0.5)
        for j in range(ACROSS):
            tube = 2 * np.pi * j / ACROSS
            x, y = (1 + 0.4 * np.cos(tube)) * np.array([np.sin(turn), np.cos(turn)])
            lines.append(
                f"v {x * (squeeze if x < -0.1 else 1):.6f} {y:.6f} {0.4 * np.sin(tube):.6f}"
            )
    for i in range(AROUND + 1):
        for j in range(ACROSS + 1):
            u, v = i / AROUND, j / ACROSS
            lines.append(f"vt {u:.6f} {v:.6f}" if uvs == "mirrored" else f"vt {v / 2} {u / 2}")
    for i in range(AROUND):
        for j in range(ACROSS):
            ways = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            a, b, c, d = (_corner(*way, textured=uvs != "none") for way in ways)
            halves = [(a, b, c), (a, c, d)] if i < AROUND // 2 else [(a, b, d), (b, c, d)]
            lines += ["f " + " ".join(half) for half in halves]
    path.write_text("\n".join(lines) + "\n")
    return path


def _corner(i: int, j: int, textured: bool) -> str:
    vertex = (i % AROUND) * ACROSS + j % ACROSS + 1
    return f"{vertex}/{i * (ACROSS + 1) + j + 1}" if textured else str(vertex)
