"""glTF files whose textures lie elsewhere than in the first set of coordinates, as it stands."""

import json
import struct

import numpy as np
import pytest
import trimesh

from tests.train.data.mesh_folder import box_with_uvs, write_glb
from tests.train.data.test_mesh_files import is_the_box
from train.data.gltf_files import Placement
from train.data.mesh_files import read_folder, read_mesh
from train.data.picture_files import Skipped


def split(content):
    (length,) = struct.unpack_from("<I", content, 12)
    return json.loads(content[20 : 20 + length]), content[20 + length :]


def joined(tree, rest):
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    head = b"glTF" + struct.pack("<II", 2, 20 + len(text) + len(rest))
    return head + struct.pack("<I", len(text)) + b"JSON" + text + rest


def changed_glb(path, change, uvs=lambda uv: uv):
    """The striped box with a description that `change` has altered; `uvs`: of its coordinates."""
    box = box_with_uvs()
    box.visual.uv = uvs(box.visual.uv)
    box.visual.material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=box.visual.material.image
    )
    tree, rest = split(trimesh.Scene(box).export(file_type="glb"))
    change(tree)
    path.write_bytes(joined(tree, rest))
    return path


def texture_of(tree):
    return tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]


def transformed(**values):
    def change(tree):
        texture_of(tree)["extensions"] = {"KHR_texture_transform": values}
        tree["extensionsRequired"] = ["KHR_texture_transform"]

    return change


def test_the_set_of_coordinates_that_the_material_names_is_taken(tmp_path):
    def change(tree):
        texture_of(tree)["texCoord"] = 1
        attributes = tree["meshes"][0]["primitives"][0]["attributes"]
        attributes["TEXCOORD_1"] = attributes["TEXCOORD_0"]
        # The first set is that of another map: all of one place.
        attributes["TEXCOORD_0"] = len(tree["accessors"])
        tree["accessors"].append({**tree["accessors"][attributes["TEXCOORD_1"]], "count": 144})
        tree["accessors"][-1].pop("bufferView")

    assert is_the_box(read_mesh(changed_glb(tmp_path / "box.glb", change)))


@pytest.mark.parametrize(
    ("values", "uvs"),
    [
        ({"offset": [0.5, 0]}, lambda uv: uv - [0.5, 0]),
        ({"scale": [0.25, 1]}, lambda uv: uv * [4, 1]),
        ({"offset": [0.25, 0], "scale": [0.5, 2]}, lambda uv: (uv - [0.25, 0]) * [2, 0.5]),
        ({"offset": [1, 0], "scale": [-1, 1]}, lambda uv: [1, 0] - uv * [1, -1]),
    ],
    ids=["moved", "scaled", "scaled and moved", "mirrored"],
)
def test_a_texture_transform_is_applied(tmp_path, values, uvs):
    path = changed_glb(tmp_path / "box.glb", transformed(**values), uvs)
    assert is_the_box(read_mesh(path))
    plain = changed_glb(tmp_path / "plain.glb", lambda tree: None, uvs)
    assert not is_the_box(read_mesh(plain))


def test_a_transform_turns_scales_and_moves_as_the_specification_has_it():
    # Its example: the lower left quarter of the image, turned clockwise by 90 degrees.
    corners = np.array([[0, 1], [1, 1], [0, 0], [1, 0]], float)  # v = 1 the top
    moved = Placement(True, (0, 1), np.pi / 2, (0.5, 0.5)).moved(corners)
    np.testing.assert_allclose(moved, [[0, 0], [0, 0.5], [0.5, 0], [0.5, 0.5]], atol=1e-12)


def test_the_transforms_own_set_of_coordinates_comes_first(tmp_path):
    def change(tree):
        transformed(texCoord=1)(tree)
        attributes = tree["meshes"][0]["primitives"][0]["attributes"]
        attributes["TEXCOORD_1"] = attributes.pop("TEXCOORD_0")

    assert is_the_box(read_mesh(changed_glb(tmp_path / "box.glb", change)))


def test_parts_of_one_material_are_each_placed(tmp_path):
    tree, rest = split(write_glb(tmp_path / "box.glb").read_bytes())
    assert len(tree["meshes"]) == 2
    for material in tree["materials"]:
        texture = material["pbrMetallicRoughness"]["baseColorTexture"]
        texture["extensions"] = {"KHR_texture_transform": {"offset": [1, 0]}}
    (tmp_path / "moved.glb").write_bytes(joined(tree, rest))
    assert is_the_box(read_mesh(tmp_path / "moved.glb"))  # by a whole texture: it repeats


def required(*names):
    return lambda tree: tree.update(extensionsRequired=list(names))


def no_such_set(tree):
    texture_of(tree)["texCoord"] = 3


def whole_numbers(tree):
    attributes = tree["meshes"][0]["primitives"][0]["attributes"]
    tree["accessors"][attributes["TEXCOORD_0"]] |= {"componentType": 5123, "normalized": True}


def broken_image(tree):
    tree["images"][0] = {"mimeType": "image/png", "bufferView": tree["accessors"][0]["bufferView"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (required("KHR_draco_mesh_compression"), "compressed by Draco"),
        (required("KHR_draco_mesh_compression"), "pip install DracoPy"),
        (required("EXT_meshopt_compression"), "it requires EXT_meshopt_compression"),
        (required("KHR_texture_basisu", "X_own"), "it requires KHR_texture_basisu, X_own"),
        (no_such_set, "names the coordinates TEXCOORD_3"),
        (whole_numbers, "are whole numbers, which are not read"),
        (broken_image, "names a texture that is no readable picture"),
        (lambda tree: tree.update(meshes=[{}]), "its description is broken"),
    ],
)
def test_what_is_not_read_is_named_and_harms_no_other(tmp_path, change, said):
    changed_glb(tmp_path / "bad.glb", change)
    write_glb(tmp_path / "good.glb")
    found = dict(read_folder(tmp_path))
    assert is_the_box(found["good.glb"])
    assert isinstance(found["bad.glb"], Skipped) and said in found["bad.glb"].reason


@pytest.mark.parametrize("name", ["KHR_materials_unlit", "KHR_materials_clearcoat"])
def test_required_looks_that_every_format_goes_without_are_no_reason(tmp_path, name):
    assert is_the_box(read_mesh(changed_glb(tmp_path / "box.glb", required(name))))


def test_a_gltf_with_its_files_beside_it_is_placed_too(tmp_path):
    box = box_with_uvs()
    box.visual.uv = box.visual.uv - [0.5, 0]
    for name, content in trimesh.exchange.gltf.export_gltf(trimesh.Scene(box)).items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / "model.gltf"
    tree = json.loads(path.read_text())
    transformed(offset=[0.5, 0])(tree)
    path.write_text(json.dumps(tree))
    assert is_the_box(read_mesh(path))


def test_an_extension_that_the_reader_knows_may_be_required(tmp_path):
    def change(tree):
        tree["textures"][0]["extensions"] = {"EXT_texture_webp": {"source": 0}}
        tree["extensionsRequired"] = ["EXT_texture_webp"]

    assert is_the_box(read_mesh(changed_glb(tmp_path / "box.glb", change)))
