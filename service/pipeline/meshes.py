"""Reconstructions as mesh files."""

from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from graphics import formats, print_files
from service.pipeline import archive as archives
from service.pipeline.archive import Archive
from service.pipeline.engine import Engine
from service.schemas.options import MeshOptions

MEDIA_TYPES = {
    "glb": "model/gltf-binary",
    "obj": "application/zip",
    "stl": "model/stl",
    "3mf": "model/3mf",
    "npz": "application/zip",
}
EXTENSIONS = {"glb": "glb", "obj": "obj.zip", "stl": "stl", "3mf": "3mf", "npz": "npz"}
WHITE = np.full((1, 1, 3), 255, np.uint8)
"""The texture of a mesh without one."""


def encode(
    engine: Engine,
    archive: Archive,
    options: MeshOptions,
    texture: NDArray[np.uint8],  # [Ht, Wt, 3], of glb, obj and 3mf
) -> bytes:
    """The file. CPU work: called in the pool."""
    if options.format == "npz":
        return archives.pack(archive, engine.template)
    length = options.length_mm or print_files.LENGTH_MM
    if options.format == "stl":
        return print_files.to_stl(archive.vertices, engine.template.faces, length)
    if options.format == "3mf":
        coloured = texture if options.texture else None
        return print_files.to_3mf(archive.vertices, engine.seams, coloured, length)
    shown = texture if options.texture else WHITE
    if options.format == "obj":
        return formats.to_obj(archive.vertices, engine.seams, shown)
    return engine.to_glb(archive.vertices, shown)


def link(identity: str, options: MeshOptions) -> str:
    """Path of the file of a kept reconstruction."""
    query = {"format": options.format} | ({} if options.texture else {"texture": "0"})
    if options.length_mm is not None:
        query["length_mm"] = f"{options.length_mm:g}"
    return f"/v1/reconstructions/{identity}/mesh?{urlencode(query)}"
