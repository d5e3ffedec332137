"""A textured mesh as files other programs open: GLB, OBJ (zipped with its material), STL and NPZ.

A vertex on the uv seam becomes one vertex per texture coordinate, as these formats have one index
per corner. Textures are uint8 `[Ht, Wt, 3]`, row 0 the top (v = 1).
"""

import io
import json
import struct
import zipfile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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

NAME = "object"
"""Of the files inside an OBJ archive."""

STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])
"""50 bytes: the triangle of the binary STL format."""


class SplitMesh(NamedTuple):
    """A mesh with one texture coordinate per vertex."""

    vertices: NDArray[np.float32]
    """[N, 3], N >= V"""
    normals: NDArray[np.float32]
    """[N, 3] unit length, smooth across the seam."""
    uvs: NDArray[np.float32]
    """[N, 2], v = 0 the bottom."""
    faces: NDArray[np.uint32]
    """[F, 3]"""
    sources: NDArray[np.int64]
    """[N] the vertex each one was split from."""


def split_at_seams(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    face_uvs: NDArray[np.floating],  # [F, 3, 2]
) -> SplitMesh:
    """Weld corners of the same vertex and uv into one vertex, and no others."""
    if face_uvs.shape != (*faces.shape, 2) or faces.shape[1:] != (3,) or vertices.shape[1:] != (3,):
        raise ValueError(
            f"vertices {vertices.shape}, faces {faces.shape}, face_uvs {face_uvs.shape}; they must "
            "be [V, 3], [F, 3] and [F, 3, 2]"
        )
    uvs = np.ascontiguousarray(face_uvs, np.float32).reshape(-1, 2)
    # Two sorts of plain integers: several times faster than one of rows.
    uv_values, uv_number = np.unique(uvs.view(np.int64)[:, 0], return_inverse=True)
    keys = faces.reshape(-1).astype(np.int64) * len(uv_values) + uv_number.reshape(-1)  # [3F]
    _, first, corner = np.unique(keys, return_index=True, return_inverse=True)
    sources = faces.reshape(-1)[first].astype(np.int64)
    return SplitMesh(
        vertices[sources].astype(np.float32),
        vertex_normals(vertices, faces)[sources],
        uvs[first],
        corner.reshape(-1, 3).astype(np.uint32),
        sources,
    )


def vertex_normals(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
) -> NDArray[np.float32]:
    """Unit normals [V, 3]: the mean of the faces around, by area; +y where that is nothing."""
    corners = vertices[faces].astype(np.float64)  # [F, 3, 3]
    weighted = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    spread = np.repeat(weighted, 3, axis=0)  # [3F, 3], one per corner
    sums = np.stack(
        [np.bincount(faces.reshape(-1), spread[:, axis], len(vertices)) for axis in range(3)],
        axis=1,
    )
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    unit = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 1e-20)
    unit[lengths[:, 0] <= 1e-20, 1] = 1.0
    return unit.astype(np.float32)


def png_bytes(texture: NDArray[np.uint8]) -> bytes:
    """A texture [Ht, Wt, 3] as a PNG file."""
    if texture.dtype != np.uint8 or texture.ndim != 3 or texture.shape[2] != 3:
        raise ValueError(
            f"texture is {texture.dtype} {texture.shape}; it must be uint8 [Ht, Wt, 3]"
        )
    file = io.BytesIO()
    Image.fromarray(texture).save(file, "PNG", compress_level=1)
    return file.getvalue()


def to_glb(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    face_uvs: NDArray[np.floating],  # [F, 3, 2]
    texture: NDArray[np.uint8],  # [Ht, Wt, 3]
) -> bytes:
    """A binary glTF 2.0 file with the texture inside; opens coloured in any viewer."""
    mesh = split_at_seams(vertices, faces, face_uvs)
    top_down = np.column_stack([mesh.uvs[:, 0], 1 - mesh.uvs[:, 1]])  # glTF: v = 0 is the top
    parts = [
        mesh.vertices.astype("<f4").tobytes(),
        mesh.normals.astype("<f4").tobytes(),
        top_down.astype("<f4").tobytes(),
        mesh.faces.astype("<u4").tobytes(),
        png_bytes(texture),
    ]
    document = _gltf_document(mesh, [len(part) for part in parts])
    binary = b"".join(_padded(part, b"\0") for part in parts)
    text = _padded(json.dumps(document, separators=(",", ":")).encode(), b" ")
    body = struct.pack("<II", len(text), JSON_CHUNK) + text
    body += struct.pack("<II", len(binary), BINARY_CHUNK) + binary
    return struct.pack("<III", GLB_MAGIC, GLB_VERSION, 12 + len(body)) + body


def to_obj(
    vertices: NDArray[np.floating],  # [V, 3]
    faces: NDArray[np.integer],  # [F, 3]
    face_uvs: NDArray[np.floating],  # [F, 3, 2]
    texture: NDArray[np.uint8],  # [Ht, Wt, 3]
) -> bytes:
    """A zip archive of `object.obj`, `object.mtl` and `object.png`."""
    mesh = split_at_seams(vertices, faces, face_uvs)
    lines = [f"mtllib {NAME}.mtl", f"o {NAME}", f"usemtl {NAME}"]
    lines += [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"vt {u:.6g} {v:.6g}" for u, v in mesh.uvs.tolist()]
    lines += [f"vn {x:.4g} {y:.4g} {z:.4g}" for x, y, z in mesh.normals.tolist()]
    lines += [
        f"f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}" for a, b, c in (mesh.faces + 1).tolist()
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


def _gltf_document(mesh: SplitMesh, lengths: list[int]) -> dict[str, Any]:
    """The JSON part, for a buffer of positions, normals, uvs, indices and the PNG in that order."""
    offsets = np.cumsum([0] + [-(-length // 4) * 4 for length in lengths]).tolist()
    views: list[dict[str, int]] = [
        {"buffer": 0, "byteOffset": offset, "byteLength": length}
        for offset, length in zip(offsets[:-1], lengths, strict=True)
    ]
    for view in views[:3]:
        view["target"] = ARRAY_BUFFER
    views[3]["target"] = ELEMENT_BUFFER
    count = len(mesh.vertices)
    accessors = [
        {"bufferView": 0, "componentType": FLOAT, "count": count, "type": "VEC3",
         "min": mesh.vertices.min(0).tolist(), "max": mesh.vertices.max(0).tolist()},
        {"bufferView": 1, "componentType": FLOAT, "count": count, "type": "VEC3"},
        {"bufferView": 2, "componentType": FLOAT, "count": count, "type": "VEC2"},
        {"bufferView": 3, "componentType": UNSIGNED_INT, "count": mesh.faces.size,
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
        "images": [{"bufferView": 4, "mimeType": "image/png"}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": offsets[-1]}],
    }


def _padded(part: bytes, filler: bytes) -> bytes:
    """Chunks and buffer views start at multiples of four bytes."""
    return part + filler * (-len(part) % 4)
