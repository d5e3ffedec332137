"""A textured mesh as files other programs open: GLB, and OBJ zipped with its material.

A vertex on the uv seam becomes one vertex per texture coordinate, as these formats have one index
per corner. Textures are uint8 `[Ht, Wt, 3]`, row 0 the top (v = 1): PNG in OBJ archives, JPEG in
GLB. A JPEG is a quarter as large and ten times as fast to write. GLB is the binary form of glTF
2.0: it opens coloured in any viewer.
"""

import io
import json
import struct
import zipfile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.mesh import vertex_normals


class Seams(NamedTuple):
    """The corners of F faces as N vertices; a vertex on the uv seam is one per coordinate."""

    surface: NDArray[np.integer]  # [F, 3] the faces as they were, over V vertices
    faces: NDArray[np.uint32]  # [F, 3] the same faces over the N vertices
    sources: NDArray[np.int64]  # [N] which of the V vertices each one was split from
    uvs: NDArray[np.float32]  # [N, 2], v = 0 the bottom

    def split(self, vertices: NDArray[np.floating]) -> NDArray[np.float32]:
        """Vertices [V, 3] on both sides of the seam, [N, 3]."""
        count = int(self.sources.max()) + 1
        if vertices.shape != (count, 3):
            raise ValueError(
                f"vertices has shape {vertices.shape}; with these seams it must be [{count}, 3]"
            )
        return vertices[self.sources].astype(np.float32, copy=False)


def find_seams(
    faces: NDArray[np.integer],  # [F, 3]
    face_uvs: NDArray[np.floating],  # [F, 3, 2]
) -> Seams:
    """Weld corners of the same vertex and uv into one vertex, and no others."""
    if faces.shape[1:] != (3,) or face_uvs.shape != (*faces.shape, 2):
        raise ValueError(
            f"faces {faces.shape}, face_uvs {face_uvs.shape}; they must be [F, 3] and [F, 3, 2]"
        )
    corners = np.concatenate([faces[..., None], face_uvs], axis=-1).reshape(-1, 3)
    _, first, corner = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    return Seams(
        faces,
        corner.reshape(-1, 3).astype(np.uint32),
        faces.reshape(-1)[first].astype(np.int64),
        face_uvs.reshape(-1, 2)[first].astype(np.float32),
    )


JPEG_QUALITY = 95  # 1 to 100; Pillow recommends at most 95

NAME = "object"  # of a mesh, and stem of the files inside an OBJ archive

AXES = {"up": "+y", "front": "+z"}
UNIT = "of the object's own: real sizes are not known"
"""What the numbers of GLB and OBJ files mean; `graphics.print_files` has millimetres."""


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
    lines = [f"# right-handed, up {AXES['up']}, front {AXES['front']}; unit {UNIT}"]
    lines += [f"mtllib {NAME}.mtl", f"o {NAME}", f"usemtl {NAME}"]
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


def _image_bytes(texture: NDArray[np.uint8], kind: str, **options: int) -> bytes:
    if texture.dtype != np.uint8 or texture.ndim != 3 or texture.shape[2] != 3:
        raise ValueError(
            f"texture is {texture.dtype} {texture.shape}; it must be uint8 [Ht, Wt, 3]"
        )
    file = io.BytesIO()
    Image.fromarray(texture).save(file, kind, **options)
    return file.getvalue()


MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
FLOAT, UNSIGNED_SHORT, UNSIGNED_INT = 5126, 5123, 5125
ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
LINEAR, LINEAR_MIPMAP_LINEAR, REPEAT, CLAMP_TO_EDGE = 9729, 9987, 10497, 33071
"""Numbers of the glTF 2.0 specification."""
MOST_SHORT = 65_535  # vertices that 16-bit indices can name; the largest is kept for other uses

MATERIAL = {
    "name": NAME,
    "doubleSided": True,
    "pbrMetallicRoughness": {
        "baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0,
    },
}  # fmt: skip
SAMPLER = {
    "magFilter": LINEAR, "minFilter": LINEAR_MIPMAP_LINEAR,
    "wrapS": REPEAT, "wrapT": CLAMP_TO_EDGE,
}  # fmt: skip
PRIMITIVE = {
    "attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0,
}  # fmt: skip
DOCUMENT = {
    "asset": {
        "version": "2.0",
        "generator": "inverse-graphics",
        "extras": {**AXES, "unit": UNIT},
    },
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0, "name": NAME}],
    "meshes": [{"primitives": [PRIMITIVE]}],
    "materials": [MATERIAL],
    "textures": [{"sampler": 0, "source": 0}],
    "samplers": [SAMPLER],
    "images": [{"bufferView": 4, "mimeType": "image/jpeg"}],
}
"""What is the same in every file. The buffer has positions, normals, uvs, indices and the JPEG."""


class GlbWriter:
    """Writes meshes that differ in their vertices and textures alone."""

    def __init__(self, seams: Seams) -> None:
        self._seams = seams
        count = len(seams.sources)
        short = count < MOST_SHORT
        top_down = np.column_stack([seams.uvs[:, 0], 1 - seams.uvs[:, 1]])  # glTF: v = 0 is the top
        self._uvs = top_down.astype("<f4").tobytes()
        self._indices = _padded(seams.faces.astype("<u2" if short else "<u4").tobytes(), b"\0")
        vector = {"componentType": FLOAT, "count": count, "type": "VEC3"}
        index = {"componentType": UNSIGNED_SHORT if short else UNSIGNED_INT, "type": "SCALAR"}
        self._positions = {"bufferView": 0, **vector}
        self._accessors = [
            {"bufferView": 1, **vector},
            {"bufferView": 2, **vector, "type": "VEC2"},
            {"bufferView": 3, **index, "count": seams.faces.size},
        ]
        lengths = [12 * count, 12 * count, len(self._uvs), len(self._indices)]
        *offsets, self._image_offset = np.cumsum([0, *lengths]).tolist()
        targets = [ARRAY_BUFFER] * 3 + [ELEMENT_BUFFER]
        self._views = [
            {"buffer": 0, "byteOffset": offset, "byteLength": length, "target": target}
            for offset, length, target in zip(offsets, lengths, targets, strict=True)
        ]

    def __call__(
        self,
        vertices: NDArray[np.floating],  # [V, 3]
        texture: NDArray[np.uint8],  # [Ht, Wt, 3], row 0 is v = 1
    ) -> bytes:
        """The file, with the texture inside as JPEG."""
        positions = self._seams.split(vertices)
        normals = vertex_normals(vertices, self._seams.surface)[self._seams.sources]
        jpeg = jpeg_bytes(texture)
        parts = [
            positions.astype("<f4", copy=False).tobytes(),
            normals.astype("<f4", copy=False).tobytes(),
            self._uvs, self._indices, _padded(jpeg, b"\0"),
        ]  # fmt: skip
        size = sum(map(len, parts))
        document = self._document(vertices, len(jpeg), size)
        text = _padded(json.dumps(document, separators=(",", ":")).encode(), b" ")
        header = struct.pack("<III", MAGIC, VERSION, 28 + len(text) + size)
        chunks = [struct.pack("<II", len(text), JSON_CHUNK), text]
        chunks += [struct.pack("<II", size, BINARY_CHUNK), *parts]
        return b"".join([header, *chunks])

    def _document(self, vertices: NDArray[np.floating], jpeg: int, size: int) -> dict[str, Any]:
        """The JSON part; `jpeg` and `size`: bytes of the picture and of the buffer."""
        limits = np.array([vertices.min(0), vertices.max(0)], np.float32)
        lowest, highest = limits.tolist()
        image = {"buffer": 0, "byteOffset": self._image_offset, "byteLength": jpeg}
        return {
            **DOCUMENT,
            "accessors": [{**self._positions, "min": lowest, "max": highest}, *self._accessors],
            "bufferViews": [*self._views, image],
            "buffers": [{"byteLength": size}],
        }


def _padded(part: bytes, filler: bytes) -> bytes:
    """Chunks and buffer views start at multiples of four bytes."""
    return part + filler * (-len(part) % 4)
