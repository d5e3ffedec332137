"""Reconstructions as mesh files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphics import formats
from service.pipeline import archive as archives
from service.pipeline.archive import Archive
from service.pipeline.engine import Engine
from service.schemas.photographs import MeshFormat

MEDIA_TYPES = {
    "glb": "model/gltf-binary",
    "obj": "application/zip",
    "stl": "model/stl",
    "npz": "application/zip",
}
EXTENSIONS = {"glb": "glb", "obj": "obj.zip", "stl": "stl", "npz": "npz"}
WHITE = np.full((1, 1, 3), 255, np.uint8)
"""The texture of a mesh without one."""


def encode(
    engine: Engine,
    archive: Archive,
    form: MeshFormat,
    texture: NDArray[np.uint8],  # [Ht, Wt, 3], of glb and obj
) -> bytes:
    """The file. CPU work: called in the pool."""
    if form == "npz":
        return archives.pack(archive, engine.template)
    if form == "stl":
        return formats.to_stl(archive.vertices, engine.template.faces)
    if form == "obj":
        return formats.to_obj(archive.vertices, engine.seams, texture)
    return engine.to_glb(archive.vertices, texture)


def link(identity: str, form: MeshFormat, texture: bool) -> str:
    """Path of the file of a kept reconstruction."""
    return f"/v1/reconstructions/{identity}/mesh?format={form}" + ("" if texture else "&texture=0")
