"""Textured meshes from files: GLB, glTF, OBJ with MTL, COLLADA and PLY, as `TexturedObject`.

Scenes of several parts become one mesh. Colours come from textures, materials and vertices;
transparency, bumps and gloss are left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.resolvers import FilePathResolver
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from graphics.picture_names import is_systems_own
from train.config import CommandError
from train.data.gltf_files import Placement, displayed, read_gltf
from train.data.picture_files import Skipped, name_in
from train.data.textured_object import UNTEXTURED, TexturedObject

GLTF_SUFFIXES = (".glb", ".gltf")
SUFFIXES = (*GLTF_SUFFIXES, ".obj", ".dae", ".ply")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tga", ".bmp", ".webp", ".tif", ".tiff", ".gif")
CLAY = 0.7  # grey of what has no colour at all
LARGEST_TEXTURE = 1024
"""Longest side in texels; larger ones are averaged down, which small pictures need anyhow."""


class MeshFilesError(CommandError):
    """A folder without any usable mesh."""


class TextureFinder(FilePathResolver):
    """Finds the files that a mesh names: where it says, else by their bare name below a folder.

    Meshes are moved about without their textures' folders, and many name them by a path of the
    machine they were made on. Of several files of one name the nearest to the mesh is taken. What
    was asked for and is not there, or is no readable picture, is kept in `lacking`.
    """

    def __init__(self, mesh: Path, folder: Path) -> None:
        super().__init__(str(mesh))
        self.folder, self.mesh = folder.resolve(), mesh.resolve()
        self.lacking: list[str] = []

    def get(self, key: str) -> bytes:
        """The content of a file named by the mesh; `FileNotFoundError` where there is none."""
        name = str(key).strip().strip('"').replace("\\", "/").replace("%20", " ")
        path = self._find(name)
        if path is None and " " in name:
            # map_Kd -s 1 1 1 paint.png: options stand before the name.
            path = self._find(name.split()[-1])
        if path is None:
            self.lacking.append(f"{name} is not in the folder")
            raise FileNotFoundError(name)
        if path.suffix.lower() in IMAGE_SUFFIXES:
            self._verify(path)
        return path.read_bytes()

    def beside(self) -> Path | None:
        """A picture that has the mesh's own name: the texture of files that often name none."""
        if self.mesh.suffix.lower() not in (".ply", ".obj"):
            return None
        pictures = (self._find(self.mesh.stem + suffix) for suffix in IMAGE_SUFFIXES)
        return next((path for path in pictures if path), None)

    def _find(self, name: str) -> Path | None:
        direct = (self.mesh.parent / name).resolve()
        if direct.is_file() and direct.is_relative_to(self.folder):
            return direct
        wanted = Path(name).name.lower()
        found = [path for path in self.folder.rglob("*") if path.name.lower() == wanted]
        found = [path for path in found if path.is_file()]
        return max(found, key=self._nearness, default=None)

    def _nearness(self, path: Path) -> tuple[int, int, str]:
        """Most shared folders first, then the fewest others."""
        pairs = zip(path.parent.parts, self.mesh.parent.parts, strict=False)
        shared = sum(ours == theirs for ours, theirs in pairs)
        return shared, -len(path.parts), str(path)

    def _verify(self, path: Path) -> None:
        try:
            with Image.open(path) as image:
                image.load()
        except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
            self.lacking.append(f"{path.name} is no readable picture ({error})")
            raise


def mesh_paths(folder: Path) -> list[Path]:
    """Every mesh file below a folder, in the order of their names.

    Raises:
        MeshFilesError: no folder, or none in it.
    """
    if not folder.is_dir():
        raise MeshFilesError(
            f"{folder} is not a folder: give one that holds {', '.join(SUFFIXES)} files"
        )
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = sorted(
        path for path in found if path.is_file() and not is_systems_own(name_in(folder, path))
    )
    if not paths:
        raise MeshFilesError(f"{folder} holds no {', '.join(SUFFIXES)} file; give some")
    return paths


def read_mesh(path: Path, folder: Path | None = None) -> TexturedObject:
    """One mesh file, in its own units and axes; `folder`: where its textures may lie.

    Raises:
        ValueError: it cannot be read, has no triangles, or lacks a texture that it names, or what
            says where that goes.
    """
    if path.stat().st_size == 0:
        raise ValueError("it is empty: 0 bytes")
    finder = TextureFinder(path, folder or path.parent)
    placements: dict[str, Placement] = {}
    try:
        source: Any = str(path)
        if path.suffix.lower() in GLTF_SUFFIXES:
            source, placements = read_gltf(path)
        kind = path.suffix.lower().removeprefix(".")
        scene = trimesh.load_scene(source, file_type=kind, resolver=finder, process=False)
        parts = [part for part in scene.dump() if isinstance(part, trimesh.Trimesh)]
    except Exception as error:  # every loader of trimesh raises its own kinds
        reason = "; ".join(finder.lacking) or f"{type(error).__name__}: {error}"
        raise ValueError(f"it cannot be read ({reason})") from error
    if finder.lacking:
        raise ValueError(f"it lacks what it names: {'; '.join(dict.fromkeys(finder.lacking))}")
    parts = [part for part in parts if len(part.faces)]
    if not parts:
        raise ValueError("it has no triangles")
    for part in parts:
        _place(part, placements)
    linear = path.suffix.lower() in GLTF_SUFFIXES
    return _merged([_coloured(part, finder, linear) for part in parts])


def _place(part: trimesh.Trimesh, placements: dict[str, Placement]) -> None:
    """Move a part's texture coordinates as its file says.

    Raises:
        ValueError: the file names a texture that cannot be read.
    """
    visual: Any = part.visual
    material = getattr(visual, "material", None)
    placement = placements.get(getattr(material, "name", None) or "")
    if placement is None or not placement.textured:
        return
    if getattr(material, "baseColorTexture", None) is None:
        raise ValueError("it names a texture that is no readable picture (PNG, JPEG or WebP)")
    if visual.uv is not None:
        visual.uv = placement.moved(visual.uv)


def read_folder(folder: Path) -> Iterator[tuple[str, TexturedObject | Skipped]]:
    """Every mesh below a folder, one by one: its path below the folder, and the object or what is
    wrong with it."""
    for path in mesh_paths(folder):
        name = path.relative_to(folder).as_posix()
        try:
            yield name, read_mesh(path, folder)
        except (ValueError, MemoryError) as error:
            yield name, Skipped(name, str(error))


def _coloured(part: trimesh.Trimesh, finder: TextureFinder, linear: bool) -> TexturedObject:
    """One part with at most one texture; `linear`: colours that are none of a texture's are linear
    light."""
    faces = np.asarray(part.faces, np.int32)
    uvs = np.zeros((*faces.shape, 2), np.float32)
    texture, colour = None, np.full(3, CLAY)
    corner_colours = _corner_colours(part)
    given = getattr(part.visual, "uv", None)
    if isinstance(part.visual, TextureVisuals):
        texture, colour = _material(part.visual.material)
        colour = displayed(colour) if linear else colour
        if given is not None and len(given) == len(part.vertices):
            uvs = np.asarray(given, np.float32)[:, :2][faces]
            # A reader's stand-in for a texture that the file does not name is of one colour.
            plain = texture is None or _is_plain(texture)
            beside = finder.beside() if plain else None
            if beside is not None:
                texture = _read_texture(beside)
                colour = np.ones(3)
        elif texture is not None:
            colour, texture = _only_colour(texture) * colour, None
    if corner_colours is None:
        corner_colours = np.broadcast_to(colour, (*faces.shape, 3))
    else:
        corner_colours = displayed(corner_colours) if linear else corner_colours
        corner_colours = corner_colours * colour if texture is not None else corner_colours
    if not np.all(np.isfinite(uvs)):
        raise ValueError("its texture coordinates are not all finite numbers")
    return TexturedObject(
        np.asarray(part.vertices, np.float32),
        faces,
        uvs,
        corner_colours.astype(np.float32),
        np.full(len(faces), UNTEXTURED if texture is None else 0, np.int32),
        () if texture is None else (texture,),
    )


def _only_colour(texture: NDArray[np.uint8]) -> NDArray[np.floating]:
    """The colour [3], 0..1, of a texture that nothing says where to put."""
    if not _is_plain(texture):
        raise ValueError("it has a texture but no texture coordinates (uvs) on all of its faces")
    return texture[0, 0] / 255


def _is_plain(texture: NDArray[np.uint8]) -> bool:
    """Whether a texture [Ht, Wt, 3] is of one colour."""
    return bool((texture == texture[0, 0]).all())


def _corner_colours(part: trimesh.Trimesh) -> NDArray[np.floating] | None:
    """Colours [F, 3, 3] of vertices or faces; None where the file gives none."""
    visual: Any = part.visual
    if visual.kind == "face":
        return np.repeat(np.asarray(visual.face_colors)[:, None, :3], 3, axis=1) / 255
    if visual.kind == "vertex":
        return np.asarray(visual.vertex_colors)[:, :3][part.faces] / 255
    colours = getattr(visual, "vertex_attributes", {}).get("color")
    if colours is None or len(colours) != len(part.vertices):
        return None
    colours = np.asarray(colours)
    scale = np.iinfo(colours.dtype).max if colours.dtype.kind == "u" else 1.0
    return colours[:, :3][part.faces] / scale


def _material(material: Any) -> tuple[NDArray[np.uint8] | None, NDArray[np.floating]]:
    """The texture [Ht, Wt, 3] of a material, None where it has none, and its colour's factor."""
    if isinstance(material, PBRMaterial):
        factor = material.baseColorFactor
        colour = np.ones(3) if factor is None else np.asarray(factor[:3]) / 255
        image = material.baseColorTexture
        return (None if image is None else _texture(image)), colour
    image = getattr(material, "image", None)
    if image is not None:
        # Exporters write any Kd beside a map: black, grey, white.
        return _texture(image), np.ones(3)
    if getattr(material, "diffuse", None) is None:
        return None, np.full(3, CLAY)
    return None, np.asarray(material.diffuse[:3]) / 255


def _read_texture(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return _texture(image)
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged files
        raise ValueError(f"{path.name}, its texture, is no readable picture ({error})") from error


def _texture(image: Image.Image) -> NDArray[np.uint8]:
    image = image.convert("RGB")
    factor = -(-max(image.size) // LARGEST_TEXTURE)
    return np.asarray(image.reduce(factor) if factor > 1 else image)


def _merged(parts: list[TexturedObject]) -> TexturedObject:
    """One object of several."""
    vertex_counts = np.cumsum([0] + [len(part.vertices) for part in parts])
    texture_counts = np.cumsum([0] + [len(part.textures) for part in parts])
    faces = [part.faces + first for part, first in zip(parts, vertex_counts, strict=False)]
    textures = [
        np.where(part.face_textures == UNTEXTURED, UNTEXTURED, part.face_textures + first)
        for part, first in zip(parts, texture_counts, strict=False)
    ]
    return TexturedObject(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate(faces).astype(np.int32),
        np.concatenate([part.corner_uvs for part in parts]),
        np.concatenate([part.corner_colours for part in parts]),
        np.concatenate(textures).astype(np.int32),
        tuple(texture for part in parts for texture in part.textures),
    )
