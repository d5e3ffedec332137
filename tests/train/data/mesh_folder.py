"""Small textured meshes in every format the instrument reads, all of one box, and broken ones."""

from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 40), (40, 60, 210)
EXTENTS = (0.8, 0.6, 2.0)


def striped(size: int = 32) -> Image.Image:
    """Left half red, right half green."""
    pixels = np.full((size, size, 3), RED, np.uint8)
    pixels[:, size // 2 :] = GREEN
    return Image.fromarray(pixels)


def box_with_uvs(shift: float = 0.0) -> trimesh.Trimesh:
    """A box of 0.8 x 0.6 x 2: what is in front (z > 0) green, what is behind red.

    shift: whole numbers leave it as it is, as textures repeat.
    """
    box = trimesh.creation.box(EXTENTS).subdivide()
    box = trimesh.Trimesh(box.vertices, box.faces, process=False)
    box.unmerge_vertices()
    middles = box.triangles_center[:, 2]
    u = np.repeat(np.where(middles > 0, 0.75, 0.25), 3)
    uvs = np.column_stack([u + shift, np.full(len(u), 0.5 + shift)])
    material = trimesh.visual.material.SimpleMaterial(image=striped(), diffuse=[255] * 4)
    box.visual = trimesh.visual.TextureVisuals(uv=uvs, material=material)
    return box


def write_obj(folder: Path, texture: str = "paint.png", shift: float = 0.0) -> Path:
    """`box.obj` and `box.mtl`, which names the texture; the texture itself is not written."""
    box = box_with_uvs(shift)
    lines = ["mtllib box.mtl", "usemtl paint"]
    lines += [f"v {x} {y} {z}" for x, y, z in box.vertices]
    lines += [f"vt {u} {v}" for u, v in box.visual.uv]
    lines += [f"f {a}/{a} {b}/{b} {c}/{c}" for a, b, c in box.faces + 1]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "box.obj").write_text("\n".join(lines) + "\n")
    (folder / "box.mtl").write_text(f"newmtl paint\nKd 0 0 0\nmap_Kd {texture}\n")
    return folder / "box.obj"


def write_glb(path: Path) -> Path:
    """The box in two parts, the second moved to its place by its node."""
    box = box_with_uvs()
    front = box.triangles_center[:, 2] > 0
    scene = trimesh.Scene()
    for name, chosen in (("front", front), ("back", ~front)):
        part = box.submesh([np.flatnonzero(chosen)], append=True)
        part.vertices = part.vertices + np.array([5.0, 0, 0])
        back = trimesh.transformations.translation_matrix([-5.0, 0, 0])
        scene.add_geometry(part, node_name=name, transform=back)
    path.write_bytes(scene.export(file_type="glb"))
    return path


def write_ply(path: Path) -> Path:
    """The box with a colour per vertex: green in front, red behind."""
    box = box_with_uvs()
    colours = np.where(np.repeat(box.triangles_center[:, 2] > 0, 3)[:, None], GREEN, RED)
    box.visual = trimesh.visual.ColorVisuals(box, vertex_colors=colours.astype(np.uint8))
    path.write_bytes(box.export(file_type="ply"))
    return path


def write_collada(path: Path, texture: str) -> Path:
    """The box with a texture named inside, which is not written."""
    box = box_with_uvs()
    box.visual.material = trimesh.visual.material.PBRMaterial(baseColorFactor=[*BLUE, 255])
    text = trimesh.exchange.dae.export_collada(box).decode()
    if texture:
        images = f'<library_images><image id="map"><init_from>{texture}</init_from></image>'
        text = text.replace("<library_effects>", images + "</library_images><library_effects>")
        surface = '<newparam sid="s"><surface type="2D"><init_from>map</init_from></surface>'
        sampler = '<newparam sid="p"><sampler2D><source>s</source></sampler2D></newparam>'
        technique = '<technique sid="common">'
        text = text.replace(technique, f"{surface}</newparam>{sampler}{technique}")
        start = text.index("<diffuse>")
        end = text.index("</diffuse>")
        text = text[:start] + '<diffuse><texture texture="p" texcoord="UV"/>' + text[end:]
    path.write_text(text)
    return path
