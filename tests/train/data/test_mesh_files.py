import re
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests.train.data.mesh_folder import (
    BLUE,
    EXTENTS,
    GREEN,
    RED,
    box_with_uvs,
    striped,
    write_collada,
    write_glb,
    write_obj,
    write_ply,
)
from train.data.mesh_files import (
    CLAY,
    MeshFilesError,
    read_folder,
    read_mesh,
)
from train.data.picture_files import Skipped
from train.data.textured_object import TexturedObject, sample_repeating


def colours_of(thing: TexturedObject) -> np.ndarray:
    """The colour of the middle of every face, 0..255."""
    colours = thing.corner_colours.mean(axis=1)
    for number, texture in enumerate(thing.textures):
        here = thing.face_textures == number
        colours[here] *= sample_repeating(texture, thing.corner_uvs[here].mean(axis=1))
    return colours * 255


def is_the_box(thing: TexturedObject) -> bool:
    """As large as it should be, green in front, red behind."""
    corners = thing.vertices[thing.faces]
    front = corners.mean(axis=1)[:, 2] > 0
    wanted = np.where(front[:, None], GREEN, RED)
    return (
        np.allclose(np.ptp(corners.reshape(-1, 3), axis=0), EXTENTS)
        and len(front) == 48
        and bool(np.allclose(colours_of(thing), wanted, atol=1))
    )


def test_obj_with_its_material_and_texture(tmp_path: Path) -> None:
    path = write_obj(tmp_path)
    striped().save(tmp_path / "paint.png")
    assert is_the_box(read_mesh(path))


@pytest.mark.parametrize(
    "named",
    ["C:\\work\\maps\\PAINT.png", "/home/me/paint.png", "../maps/paint.png", "-s 1 1 1 paint.png"],
)
def test_textures_are_found_by_their_name(tmp_path: Path, named: str) -> None:
    path = write_obj(tmp_path / "models" / "box", named)
    (tmp_path / "textures").mkdir()
    striped().save(tmp_path / "textures" / "paint.png")
    assert is_the_box(read_mesh(path, tmp_path))


def test_of_two_textures_of_one_name_the_nearer_is_taken(tmp_path: Path) -> None:
    path = write_obj(tmp_path / "a", "D:/paint.png")
    for place, picture in (("a/maps", striped()), ("b", striped().rotate(90))):
        (tmp_path / place).mkdir(parents=True)
        picture.save(tmp_path / place / "paint.png")
    assert is_the_box(read_mesh(path, tmp_path))


def test_textures_repeat_beyond_their_edges(tmp_path: Path) -> None:
    path = write_obj(tmp_path, shift=3.0)
    striped().save(tmp_path / "paint.png")
    assert is_the_box(read_mesh(path))


def test_a_scene_of_moved_parts_is_one_object(tmp_path: Path) -> None:
    thing = read_mesh(write_glb(tmp_path / "box.glb"))
    assert is_the_box(thing) and len(thing.textures) == 2


def test_gltf_with_its_files_beside_it(tmp_path: Path) -> None:
    for name, content in trimesh.exchange.gltf.export_gltf(box_with_uvs().scene()).items():
        (tmp_path / name).write_bytes(content)
    assert is_the_box(read_mesh(tmp_path / "model.gltf"))


def test_collada(tmp_path: Path) -> None:
    thing = read_mesh(write_collada(tmp_path / "box.dae", ""))
    assert np.allclose(colours_of(thing), BLUE, atol=1) and len(thing.faces) == 48


def test_collada_with_a_texture(tmp_path: Path) -> None:
    striped().save(tmp_path / "paint.png")
    assert is_the_box(read_mesh(write_collada(tmp_path / "box.dae", "maps/paint.png")))


def test_ply_with_colours_at_the_vertices(tmp_path: Path) -> None:
    assert is_the_box(read_mesh(write_ply(tmp_path / "box.ply")))


def test_ply_with_a_texture_of_its_own_name(tmp_path: Path) -> None:
    box = box_with_uvs()
    box.visual.material = trimesh.visual.material.SimpleMaterial()
    (tmp_path / "box.ply").write_bytes(box.export(file_type="ply"))
    striped().save(tmp_path / "box.png")
    assert is_the_box(read_mesh(tmp_path / "box.ply"))


def test_what_has_no_colour_is_clay(tmp_path: Path) -> None:
    (tmp_path / "box.ply").write_bytes(trimesh.creation.box().export(file_type="ply"))
    assert np.allclose(colours_of(read_mesh(tmp_path / "box.ply")), CLAY * 255)


def test_what_cannot_be_read_is_named_and_harms_no_other(tmp_path: Path) -> None:
    write_obj(tmp_path / "lacking", "nowhere.png")
    striped().save(tmp_path / "broken.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "broken.png").read_bytes()[:60])
    write_obj(tmp_path / "torn", "broken.png")
    write_glb(tmp_path / "good.glb")
    (tmp_path / "junk.glb").write_bytes(b"glTF but not really")
    (tmp_path / "points.ply").write_bytes(trimesh.PointCloud(np.eye(3)).export(file_type="ply"))
    (tmp_path / "readme.txt").write_text("no mesh")
    (tmp_path / "empty.gltf").touch()
    (tmp_path / "folder.obj").mkdir()
    box_with_uvs().export(tmp_path / "with.ply")
    (tmp_path / "with.png").write_bytes(b"no picture")
    found = dict(read_folder(tmp_path))
    reasons = {name: item.reason for name, item in found.items() if isinstance(item, Skipped)}
    assert list(found) == [
        "empty.gltf", "good.glb", "junk.glb", "lacking/box.obj", "points.ply", "torn/box.obj",
        "with.ply",
    ]  # fmt: skip
    assert is_the_box(found["good.glb"])
    assert "cannot be read" in reasons["junk.glb"]
    assert "nowhere.png is not in the folder" in reasons["lacking/box.obj"]
    assert "broken.png is no readable picture" in reasons["torn/box.obj"]
    assert "no triangles" in reasons["points.ply"]
    assert "it is empty" in reasons["empty.gltf"]
    assert "with.png, its texture, is no readable picture" in reasons["with.ply"]


def test_a_texture_that_nothing_says_where_to_put_is_not_guessed(tmp_path: Path) -> None:
    path = write_obj(tmp_path)
    lines = path.read_text().splitlines()
    bare = [re.sub(r"/\d+", "", line) for line in lines if not line.startswith("vt ")]
    path.write_text("\n".join(bare) + "\n")
    striped().save(tmp_path / "paint.png")
    with pytest.raises(ValueError, match="no texture coordinates"):
        read_mesh(path)
    Image.new("RGB", (4, 4), BLUE).save(tmp_path / "paint.png")
    assert np.allclose(colours_of(read_mesh(path)), BLUE, atol=1)


def test_a_texture_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    striped().save(tmp_path / "paint.png")
    path = write_obj(tmp_path / "inner", "../paint.png")
    with pytest.raises(ValueError, match="not in the folder"):
        read_mesh(path, tmp_path / "inner")


def test_a_folder_without_meshes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeshFilesError, match="holds no"):
        list(read_folder(tmp_path))
    with pytest.raises(MeshFilesError, match="is not a folder"):
        list(read_folder(tmp_path / "none"))
