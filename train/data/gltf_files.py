"""What a GLB or glTF says of its textures and trimesh does not read: which set of coordinates, and
how they are moved.

trimesh takes the first set as it is, whatever the material names. So the file's description is
rewritten before trimesh reads it: each primitive gets a material of its own and the set that this
names as its first. The transform is applied afterwards.
"""

import importlib.util
import io
import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

TRANSFORM = "KHR_texture_transform"
DRACO = "KHR_draco_mesh_compression"
GLOSSINESS = "KHR_materials_pbrSpecularGlossiness"
KNOWN = (TRANSFORM, "EXT_texture_webp", "KHR_lights_punctual", "KHR_xmp_json_ld")
"""Extensions that may be required: read here, by trimesh, or of no matter for shape and colours."""
ONLY_LOOKS = "KHR_materials_"  # gloss, bumps, transparency: left out, as of every format
FLOAT = 5126  # glTF's number for float32
GLB_MAGIC, GLB_JSON = b"glTF", b"JSON"


class Placement(NamedTuple):
    """Where a primitive's texture goes."""

    textured: bool = False
    """The material names a texture."""
    offset: tuple[float, float] = (0.0, 0.0)
    rotation: float = 0.0  # radians
    scale: tuple[float, float] = (1.0, 1.0)

    def moved(self, uvs: NDArray[np.floating]) -> NDArray[np.floating]:
        """Coordinates [V, 2] by KHR_texture_transform; v = 0 is the bottom, in glTF the top."""
        u, v = self.scale[0] * uvs[:, 0], self.scale[1] * (1 - uvs[:, 1])
        sin, cos = np.sin(self.rotation), np.cos(self.rotation)
        u, v = cos * u + sin * v + self.offset[0], cos * v - sin * u + self.offset[1]
        return np.column_stack([u, 1 - v]).astype(uvs.dtype)


class GltfFile(NamedTuple):
    """A file as trimesh shall read it."""

    content: io.BytesIO
    placements: dict[str, Placement]
    """By the name of the material that the part is given."""


def read_gltf(path: Path) -> GltfFile:
    """The file, rewritten.

    Raises:
        ValueError: it is none, requires what nothing here reads, or has no such coordinates.
    """
    content = path.read_bytes()
    binary = path.suffix.lower() == ".glb"
    try:
        tree = json.loads(_glb_json(content) if binary else content)
        placements = _rewrite(tree)
    except (KeyError, IndexError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"its description is broken ({type(error).__name__}: {error})") from error
    text = json.dumps(tree).encode()
    return GltfFile(io.BytesIO(_with_json(content, text) if binary else text), placements)


def _glb_json(content: bytes) -> bytes:
    if content[:4] != GLB_MAGIC or content[16:20] != GLB_JSON:
        raise ValueError("it is no GLB of version 2: its first bytes are others")
    (length,) = struct.unpack_from("<I", content, 12)
    return content[20 : 20 + length]


def _with_json(content: bytes, text: bytes) -> bytes:
    (length,) = struct.unpack_from("<I", content, 12)
    text += b" " * (-len(text) % 4)
    rest = content[20 + length :]
    version = content[4:8]
    size = struct.pack("<I", 20 + len(text) + len(rest))
    return GLB_MAGIC + version + size + struct.pack("<I", len(text)) + GLB_JSON + text + rest


def _rewrite(tree: dict[str, Any]) -> dict[str, Placement]:
    """Change the description in place; returns the placements."""
    _refuse_unknown(tree.get("extensionsRequired", []))
    given, placements = tree.get("materials", []), {}
    own = []
    for mesh in tree.get("meshes", []):
        for primitive in mesh["primitives"]:
            if "material" not in primitive:
                continue
            material, name = dict(given[primitive["material"]]), f"part {len(own)}"
            placements[name] = _place(primitive, material, tree.get("accessors", []))
            primitive["material"] = len(own)
            own.append({**material, "name": name})
    if own:
        tree["materials"] = own
    return placements


def _refuse_unknown(required: list[str]) -> None:
    if DRACO in required and importlib.util.find_spec("DracoPy") is None:
        raise ValueError(
            f"its shape is compressed by Draco ({DRACO}), which needs a package that is not "
            "installed: pip install DracoPy, or export it without compression"
        )
    unknown = [
        name for name in required if name not in (*KNOWN, DRACO) and not name.startswith(ONLY_LOOKS)
    ]
    if unknown:
        raise ValueError(
            f"it requires {', '.join(unknown)}, which is not read; export it without, or with "
            f"{', '.join(KNOWN[:2])} at most"
        )


def _place(
    primitive: dict[str, Any], material: dict[str, Any], accessors: list[dict[str, Any]]
) -> Placement:
    """Where the texture of a primitive goes; its set of coordinates becomes the first."""
    texture = _texture_of(material)
    if texture is None:
        return Placement()
    transform = texture.get("extensions", {}).get(TRANSFORM, {})
    number = transform.get("texCoord", texture.get("texCoord", 0))
    attributes = primitive["attributes"]
    named = f"TEXCOORD_{number}"
    if named not in attributes:
        if number:
            raise ValueError(f"its material names the coordinates {named}, and a part has none")
        return Placement(textured=True)
    accessor = accessors[attributes[named]]
    if accessor["componentType"] != FLOAT:
        raise ValueError(
            f"its texture coordinates {named} are whole numbers, which are not read: export them "
            "as floats, without quantization"
        )
    attributes["TEXCOORD_0"] = attributes[named]
    return Placement(
        True,
        tuple(transform.get("offset", (0.0, 0.0))),
        transform.get("rotation", 0.0),
        tuple(transform.get("scale", (1.0, 1.0))),
    )


def _texture_of(material: dict[str, Any]) -> dict[str, Any] | None:
    """The entry of the texture that gives the colours, as trimesh chooses it."""
    glossy = material.get("extensions", {}).get(GLOSSINESS)
    if glossy is not None:
        return glossy.get("diffuseTexture")
    return material.get("pbrMetallicRoughness", {}).get("baseColorTexture")


def displayed(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Linear light in 0..1, as glTF's factors and vertex colours are, to the values of sRGB."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
