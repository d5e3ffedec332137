"""A folder of meshes as held-out objects: photographed from known cameras before varied scenes."""

from copy import copy
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphics.camera import NOMINAL_DISTANCE
from train.data.held_out import HIGHEST_ELEVATION_DEGREES, Pictures
from train.data.mesh_files import MeshFilesError, read_folder
from train.data.picture_files import Skipped
from train.data.textured_object import TexturedObject, normalise, render_object
from train.data.vehicles import light, surroundings
from train.metrics.shape_comparison import Shape

FARTHEST_DISTANCE = 6.2  # farthest camera of a photograph, as of the procedural vehicles
SMALLEST_OF_TWO_SAMPLES = 64
"""Pictures of this side and more take 2 x 2 samples per pixel, smaller ones 4 x 4."""


class MeshObjects:
    """Every readable mesh below a folder, in the canonical frame; all of them are kept in memory.

    Camera, scene and light of the object number i are functions of (seed, i).
    """

    def __init__(self, folder: Path, up: str, front: str, seed: int) -> None:
        """`up`, `front`: which axes of the files these are, such as `z` and `-y`.

        Raises:
            MeshFilesError: no folder, or no usable mesh in it.
        """
        self.up, self.front, self.seed = up, front, seed
        self.names: list[str] = []
        self.skipped: list[Skipped] = []
        self.objects: list[TexturedObject] = []
        for name, found in read_folder(folder):
            if isinstance(found, Skipped):
                self.skipped.append(found)
                continue
            try:
                self.objects.append(normalise(found, up, front))
                self.names.append(name)
            except ValueError as error:
                self.skipped.append(Skipped(name, str(error)))
        if not self.objects:
            reasons = "; ".join(f"{name} ({reason})" for name, reason in self.skipped[:3])
            raise MeshFilesError(
                f"{folder}: none of its {len(self.skipped)} meshes is usable: {reasons}"
            )
        self.shapes = [Shape(mesh.vertices, mesh.faces, hollow=True) for mesh in self.objects]

    def reseeded(self, seed: int) -> "MeshObjects":
        """The same objects before other cameras, in other scenes and light."""
        others = copy(self)
        others.seed = seed
        return others

    def without_volume(self) -> list[str]:
        """The names of the objects that enclose nothing, such as sheets: every solid is at an IoU
        of 0 with them."""
        return [
            name
            for name, shape in zip(self.names, self.shapes, strict=True)
            if not shape.solid.voxels.any()
        ]

    def photographs(self, size: int) -> Pictures:
        """One photograph of each object, from a camera of its own: any azimuth, elevation up to 30
        degrees, distance 5 to 6.2."""
        generator = np.random.default_rng(self.seed)
        cameras = np.zeros((len(self.objects), 5), np.float32)
        low = (0, 0, NOMINAL_DISTANCE)
        high = (360, HIGHEST_ELEVATION_DEGREES, FARTHEST_DISTANCE)
        cameras[:, :3] = generator.uniform(low, high, (len(cameras), 3))
        return self.views(np.arange(len(cameras)), cameras, size)

    def views(self, indices: NDArray[np.integer], cameras: NDArray, size: int) -> Pictures:
        """Object `indices[b]` from `cameras[b]`, [B, 5]."""
        images = np.empty((len(indices), size, size, 3), np.uint8)
        masks = np.empty((len(indices), size, size), np.uint8)
        samples = 2 if size >= SMALLEST_OF_TWO_SAMPLES else 4
        for index in np.unique(indices).tolist():
            here = np.flatnonzero(indices == index)
            mesh = self.objects[index]
            width, height, length = np.ptp(mesh.vertices[np.unique(mesh.faces)], axis=0).tolist()
            behind = surroundings(self.seed, index, (width, height, length), cameras[here], size)
            images[here], masks[here] = render_object(
                mesh, cameras[here], light(self.seed, index), behind, samples
            )
        return Pictures(images, masks, cameras)
