import io
import json
import struct

import numpy as np
import pytest
import trimesh
from PIL import Image

from graphics import formats
from graphics.formats import GlbWriter, find_seams
from graphics.mesh import sphere_template

TEMPLATE = sphere_template(2)
WRITE = GlbWriter(find_seams(TEMPLATE.faces, TEMPLATE.face_uvs))
VERTICES = TEMPLATE.vertices * np.float32([0.5, 0.4, 1.0])


@pytest.fixture(scope="module")
def texture():
    return np.random.default_rng(0).integers(0, 256, (16, 32, 3), dtype=np.uint8)


def assert_same_mesh(loaded):
    """A trimesh has the positions, faces and uvs of the template, corner by corner."""
    found = np.concatenate([loaded.vertices[loaded.faces], loaded.visual.uv[loaded.faces]], axis=-1)
    wanted = np.concatenate([VERTICES[TEMPLATE.faces], TEMPLATE.face_uvs], axis=-1)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_glb_round_trip(texture):
    data = WRITE(VERTICES, texture)
    scene = trimesh.load(io.BytesIO(data), file_type="glb", process=False)
    (loaded,) = scene.geometry.values()
    assert_same_mesh(loaded)
    material = loaded.visual.material
    found = np.asarray(material.baseColorTexture).astype(int)
    assert np.abs(found - texture).mean() < 4 and found.shape == texture.shape
    assert material.doubleSided and material.roughnessFactor == 1 and material.metallicFactor == 0
    assert np.sum(loaded.vertex_normals * loaded.vertices, axis=1).min() > 0
    assert loaded.is_winding_consistent


def read_glb(data):
    magic, version, length = struct.unpack_from("<III", data)
    assert (magic, version, length) == (0x46546C67, 2, len(data))
    json_length, json_type = struct.unpack_from("<II", data, 12)
    assert json_type == 0x4E4F534A and json_length % 4 == 0
    document = json.loads(data[20 : 20 + json_length])
    binary_length, binary_type = struct.unpack_from("<II", data, 20 + json_length)
    assert binary_type == 0x004E4942 and binary_length % 4 == 0
    return document, data[28 + json_length :]


@pytest.mark.parametrize("size", [(16, 32), (5, 7)])
def test_glb_obeys_the_specification(size):
    texture = np.zeros((*size, 3), np.uint8)
    document, binary = read_glb(WRITE(VERTICES, texture))
    assert document["buffers"] == [{"byteLength": len(binary)}]
    for view in document["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= len(binary)
    sampler = document["samplers"][0]
    assert (sampler["wrapS"], sampler["wrapT"]) == (10497, 33071)
    image = document["bufferViews"][document["images"][0]["bufferView"]]
    jpeg = Image.open(io.BytesIO(binary[image["byteOffset"] :][: image["byteLength"]]))
    assert (jpeg.format, jpeg.size) == ("JPEG", size[::-1])
    assert document["images"][0]["mimeType"] == "image/jpeg"
    indices, position = document["accessors"][3], document["accessors"][0]
    assert indices["count"] == TEMPLATE.faces.size
    np.testing.assert_allclose(position["min"], VERTICES.min(0))


def test_a_collapsed_mesh_is_still_a_valid_file(texture):
    data = WRITE(np.zeros_like(VERTICES), texture)
    document, binary = read_glb(data)
    view = document["bufferViews"][1]
    normals = np.frombuffer(binary[view["byteOffset"] :][: view["byteLength"]], "<f4")
    np.testing.assert_allclose(np.linalg.norm(normals.reshape(-1, 3), axis=1), 1)


def test_files_of_one_writer_do_not_share_their_numbers(texture):
    first = WRITE(VERTICES, texture)
    WRITE(VERTICES * 2, texture[:4, :8])
    assert WRITE(VERTICES, texture) == first


def test_large_meshes_have_wider_indices(texture, monkeypatch):
    monkeypatch.setattr(formats, "MOST_SHORT", 100)
    wide = GlbWriter(find_seams(TEMPLATE.faces, TEMPLATE.face_uvs))(VERTICES, texture)
    assert read_glb(wide)[0]["accessors"][3]["componentType"] == formats.UNSIGNED_INT
    assert read_glb(WRITE(VERTICES, texture))[0]["accessors"][3]["componentType"] == 5123
    scene = trimesh.load(io.BytesIO(wide), file_type="glb", process=False)
    (loaded,) = scene.geometry.values()
    assert_same_mesh(loaded)


def test_meshes_of_another_template_are_refused(texture):
    with pytest.raises(ValueError, match=r"\[162, 3\]"):
        WRITE(VERTICES[:-1], texture)
