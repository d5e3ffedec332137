"""Writes photographs of a family, and meshes of others of it; see the package."""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from tests.families.kinds import KINDS
from train.data.textured_object import TexturedObject, render_object
from train.data.vehicles import light, surroundings

HELD_OUT = 10_000_019
"""Added to the seed of objects that are not photographed."""


def photograph(kind: str, folder: Path, size: int, seed: int, number: int) -> None:
    """One photograph of one object: any azimuth, elevation up to 35 degrees, distance 5 to 6.5."""
    rng = np.random.default_rng([seed, number])
    mesh = KINDS[kind](rng)
    camera = np.array([[rng.uniform(0, 360), rng.uniform(0, 35), rng.uniform(5, 6.5), 0, 0]])
    camera[0, 3:] = rng.uniform(-0.06, 0.06, 2)
    sides = tuple(np.ptp(mesh.vertices, axis=0).tolist())
    camera = camera.astype(np.float32)
    behind = surroundings(seed, number, sides, camera, size)
    images, masks = render_object(mesh, camera, light(seed, number), behind, 2)
    rgba = np.concatenate([images[0], masks[0][..., None]], axis=-1)
    Image.fromarray(rgba).save(folder / f"{number:06d}.png")


def write_mesh(path: Path, mesh: TexturedObject) -> None:
    """A PLY file with the colours at the corners."""
    colours = np.rint(mesh.corner_colours.reshape(-1, 3) * 255).astype(np.uint8)
    vertices = mesh.vertices[mesh.faces].reshape(-1, 3)
    faces = np.arange(len(vertices)).reshape(-1, 3)
    trimesh.Trimesh(vertices, faces, vertex_colors=colours, process=False).export(path)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.families", description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--meshes", type=Path)
    parser.add_argument("--held-out", type=int, default=200)
    given = parser.parse_args(arguments)
    given.photographs.mkdir(parents=True, exist_ok=True)
    take = partial(photograph, given.kind, given.photographs, given.size, given.seed)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as processes:
        list(processes.map(take, range(given.count), chunksize=50))
    if given.meshes:
        given.meshes.mkdir(parents=True, exist_ok=True)
        for number in range(given.held_out):
            mesh = KINDS[given.kind](np.random.default_rng([given.seed + HELD_OUT, number]))
            write_mesh(given.meshes / f"{number:04d}.ply", mesh)


if __name__ == "__main__":
    main()
