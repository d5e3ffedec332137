"""A textured mesh as files other programs open: GLB, OBJ (zipped with its material), STL and NPZ.

A vertex on the uv seam becomes one vertex per texture coordinate (`graphics.seams`), as these
formats have one index per corner. Textures are uint8 `[Ht, Wt, 3]`, row 0 the top (v = 1): PNG in
OBJ archives, arrays in NPZ, JPEG in GLB, a quarter as large and ten times as fast to write.
"""

import io
import json
import struct
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.normals import vertex_normals
from graphics.seams import Seams

GLB_MAGIC, GLB_VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
FLOAT, UNSIGNED_INT, ARRAY_BUFFER, ELEMENT_BUFFER = 5126, 5125, 34962, 34963
LINEAR, LINEAR_MIPMAP_LINEAR, REPEAT, CLAMP_TO_EDGE = 9729, 9987, 10497, 33071
"""Numbers of the glTF 2.0 specification."""

MATERIAL = {
    "name": "object",
    "doubleSided": True,
    "pbrMetallicRoughness": {
        "baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0,
    },
}  # fmt: skip

JPEG_QUALITY = 95
"""Of 1 to 100; 95 is what Pillow recommends at most."""

NAME = "object"
"""Of the files inside an OBJ archive."""

STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])
"""50 bytes: the triangle of the binary STL format."""


def png_bytes(texture: NDArray[np.uint8]) -> bytes:
    """A texture [Ht, Wt, 3] as a PNG file."""
    return _image_bytes(texture, "PNG", compress_level=1)


def jpeg_bytes(texture: NDArray[np.uint8]) -> bytes:
    """A texture [Ht, Wt, 3] as a JPEG file, colours as fine as brightness."""
    return _image_bytes(texture, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def to_glb(
    vertices: NDArray[np.floating],  # [V, 3]
    seams: Seams,
    texture: NDArray[np.uint8],  # [Ht, Wt, 3]
) -> bytes:
    """A binary glTF 2.0 file with the texture inside; opens coloured in any viewer."""
    split = _split(vertices, seams)
    top_down = np.column_stack([seams.uvs[:, 0], 1 - seams.uvs[:, 1]])  # glTF: v = 0 is the top
    parts = [
        split.astype("<f4").tobytes(),
        vertex_normals(vertices, seams.surface)[seams.sources].astype("<f4").tobytes(),
        top_down.astype("<f4").tobytes(),
        seams.faces.astype("<u4").tobytes(),
        jpeg_bytes(texture),
    ]
    document = _gltf_document(split, seams.faces.size, [len(part) for part in parts])
    binary = b"".join(_padded(part, b"\0") for part in parts)
    text = _padded(json.dumps(document, separators=(",", ":")).encode(), b" ")
    body = struct.pack("<II", len(text), JSON_CHUNK) + text
    body += struct.pack("<II", len(binary), BINARY_CHUNK) + binary
    return struct.pack("<III", GLB_MAGIC, GLB_VERSION, 12 + len(body)) + body


def to_obj(
    vertices: NDArray[np.floating],  # [V, 3]
    seams: Seams,
    texture: NDArray[np.uint8],  # [Ht, Wt, 3]
) -> bytes:
    """A zip archive of `object.obj`, `object.mtl` and `object.png`."""
    normals = vertex_normals(vertices, seams.surface)[seams.sources]
    lines = [f"mtllib {NAME}.mtl", f"o {NAME}", f"usemtl {NAME}"]
    lines += [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in _split(vertices, seams).tolist()]
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


def to_npz(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    face_uvs: NDArray[np.floating],  # [F, 3, 2]
    texture: NDArray[np.uint8],  # [Ht, Wt, 3]
) -> bytes:
    """The arrays themselves: `vertices`, `faces`, `face_uvs`, `texture`."""
    file = io.BytesIO()
    np.savez_compressed(
        file,
        vertices=np.asarray(vertices, np.float32),
        faces=np.asarray(faces, np.int32),
        face_uvs=np.asarray(face_uvs, np.float32),
        texture=texture,
    )
    return file.getvalue()


def _split(vertices: NDArray[np.floating], seams: Seams) -> NDArray[np.float32]:
    """The vertices [N, 3] on both sides of the seam."""
    if vertices.shape != (int(seams.sources.max()) + 1, 3):
        raise ValueError(
            f"vertices has shape {vertices.shape}; with these seams it must be "
            f"[{int(seams.sources.max()) + 1}, 3]"
        )
    return vertices[seams.sources].astype(np.float32)


def _image_bytes(texture: NDArray[np.uint8], kind: str, **options: int) -> bytes:
    if texture.dtype != np.uint8 or texture.ndim != 3 or texture.shape[2] != 3:
        raise ValueError(
            f"texture is {texture.dtype} {texture.shape}; it must be uint8 [Ht, Wt, 3]"
        )
    file = io.BytesIO()
    Image.fromarray(texture).save(file, kind, **options)
    return file.getvalue()


def _gltf_document(
    vertices: NDArray[np.float32],  # [N, 3]
    indices: int,
    lengths: list[int],
) -> dict[str, Any]:
    """The JSON part, for a buffer of positions, normals, uvs, indices and JPEG in that order."""
    offsets = np.cumsum([0] + [-(-length // 4) * 4 for length in lengths]).tolist()
    views: list[dict[str, int]] = [
        {"buffer": 0, "byteOffset": offset, "byteLength": length}
        for offset, length in zip(offsets[:-1], lengths, strict=True)
    ]
    for view in views[:3]:
        view["target"] = ARRAY_BUFFER
    views[3]["target"] = ELEMENT_BUFFER
    count = len(vertices)
    accessors = [
        {"bufferView": 0, "componentType": FLOAT, "count": count, "type": "VEC3",
         "min": vertices.min(0).tolist(), "max": vertices.max(0).tolist()},
        {"bufferView": 1, "componentType": FLOAT, "count": count, "type": "VEC3"},
        {"bufferView": 2, "componentType": FLOAT, "count": count, "type": "VEC2"},
        {"bufferView": 3, "componentType": UNSIGNED_INT, "count": indices,
         "type": "SCALAR"},
    ]  # fmt: skip
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    sampler = {
        "magFilter": LINEAR, "minFilter": LINEAR_MIPMAP_LINEAR,
        "wrapS": REPEAT, "wrapT": CLAMP_TO_EDGE,
    }  # fmt: skip
    return {
        "asset": {"version": "2.0", "generator": "inverse-graphics"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": NAME}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3, "material": 0}]}],
        "materials": [MATERIAL],
        "textures": [{"sampler": 0, "source": 0}],
        "samplers": [sampler],
        "images": [{"bufferView": 4, "mimeType": "image/jpeg"}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": offsets[-1]}],
    }


def _padded(part: bytes, filler: bytes) -> bytes:
    """Chunks and buffer views start at multiples of four bytes."""
    return part + filler * (-len(part) % 4)
