"""Textured meshes as GLB, the binary form of glTF 2.0: opens coloured in any viewer."""

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphics.formats import jpeg_bytes
from graphics.normals import vertex_normals
from graphics.seams import Seams

MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942
FLOAT, UNSIGNED_SHORT, UNSIGNED_INT = 5126, 5123, 5125
ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
LINEAR, LINEAR_MIPMAP_LINEAR, REPEAT, CLAMP_TO_EDGE = 9729, 9987, 10497, 33071
"""Numbers of the glTF 2.0 specification."""
MOST_SHORT = 65_535
"""Vertices that 16-bit indices can name; the largest is kept for other uses."""
NAME = "object"

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
DOCUMENT = {
    "asset": {"version": "2.0", "generator": "inverse-graphics"},
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0, "name": NAME}],
    "meshes": [
        {
            "primitives": [
                {
                    "attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2},
                    "indices": 3,
                    "material": 0,
                }
            ]
        }
    ],
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
        index_type = UNSIGNED_SHORT if short else UNSIGNED_INT
        self._positions = {"bufferView": 0, **vector}
        self._accessors = [
            {"bufferView": 1, **vector},
            {"bufferView": 2, **vector, "type": "VEC2"},
            {
                "bufferView": 3, "componentType": index_type, "count": seams.faces.size,
                "type": "SCALAR",
            },
        ]  # fmt: skip
        lengths = [12 * count, 12 * count, len(self._uvs), len(self._indices)]
        self._offsets = np.cumsum([0, *lengths]).tolist()
        self._views = [
            {"buffer": 0, "byteOffset": offset, "byteLength": length, "target": target}
            for offset, length, target in zip(
                self._offsets, lengths, [ARRAY_BUFFER] * 3 + [ELEMENT_BUFFER], strict=False
            )
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
        lowest, highest = (
            limit.astype(np.float32).tolist() for limit in (vertices.min(0), vertices.max(0))
        )
        image = {"buffer": 0, "byteOffset": self._offsets[-1], "byteLength": jpeg}
        return {
            **DOCUMENT,
            "accessors": [{**self._positions, "min": lowest, "max": highest}, *self._accessors],
            "bufferViews": [*self._views, image],
            "buffers": [{"byteLength": size}],
        }


def _padded(part: bytes, filler: bytes) -> bytes:
    """Chunks and buffer views start at multiples of four bytes."""
    return part + filler * (-len(part) % 4)
