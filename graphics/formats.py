"""A textured mesh as files other programs open: OBJ (zipped with its material) and STL; GLB is in
`graphics.glb`.

A vertex on the uv seam becomes one vertex per texture coordinate (`graphics.seams`), as these
formats have one index per corner. Textures are uint8 `[Ht, Wt, 3]`, row 0 the top (v = 1): PNG in
OBJ archives, JPEG in GLB. A JPEG is a quarter as large and ten times as fast to write.
"""

import io
import struct
import zipfile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.normals import vertex_normals
from graphics.seams import Seams

JPEG_QUALITY = 95
"""1 to 100; Pillow recommends at most 95."""

NAME = "object"
"""Stem of the files inside an OBJ archive."""

STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])
"""50 bytes: the triangle of the binary STL format."""


def png_bytes(texture: NDArray[np.uint8]) -> bytes:
    """A texture [Ht, Wt, 3] as a PNG file."""
    return _image_bytes(texture, "PNG", compress_level=1)


def jpeg_bytes(texture: NDArray[np.uint8]) -> bytes:
    """A texture [Ht, Wt, 3] as a JPEG file, colours as fine as brightness."""
    return _image_bytes(texture, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def to_obj(
    vertices: NDArray[np.floating],  # [V, 3]
    seams: Seams,
    texture: NDArray[np.uint8],  # [Ht, Wt, 3]
) -> bytes:
    """A zip archive of `object.obj`, `object.mtl` and `object.png`."""
    positions = seams.split(vertices)
    normals = vertex_normals(vertices, seams.surface)[seams.sources]
    lines = [f"mtllib {NAME}.mtl", f"o {NAME}", f"usemtl {NAME}"]
    lines += [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in positions.tolist()]
    lines += [f"vt {u:.6g} {v:.6g}" for u, v in seams.uvs.tolist()]
    lines += [f"vn {x:.4g} {y:.4g} {z:.4g}" for x, y, z in normals.tolist()]
    lines += [
        f"f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}" for a, b, c in (seams.faces + 1).tolist()
    ]  # OBJ counts from 1
    material = f"newmtl {NAME}\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {NAME}.png\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(f"{NAME}.obj", "\n".join(lines) + "\n")
        archive.writestr(f"{NAME}.mtl", material)
        archive.writestr(f"{NAME}.png", png_bytes(texture))
    return file.getvalue()


def to_stl(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
) -> bytes:
    """A binary STL file: the surface alone, for printers; no texture, no shared vertices."""
    corners = vertices[faces].astype(np.float64)  # [F, 3, 3]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    triangles = np.zeros(len(faces), STL_TRIANGLE)
    triangles["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    triangles["corners"] = corners
    return NAME.encode().ljust(80) + struct.pack("<I", len(faces)) + triangles.tobytes()


def _image_bytes(texture: NDArray[np.uint8], kind: str, **options: int) -> bytes:
    if texture.dtype != np.uint8 or texture.ndim != 3 or texture.shape[2] != 3:
        raise ValueError(
            f"texture is {texture.dtype} {texture.shape}; it must be uint8 [Ht, Wt, 3]"
        )
    file = io.BytesIO()
    Image.fromarray(texture).save(file, kind, **options)
    return file.getvalue()
