import io
import zipfile

import numpy as np
import pytest
import trimesh
from PIL import Image

from graphics.formats import find_seams, jpeg_bytes, png_bytes, to_obj
from graphics.mesh import sphere_template

TEMPLATE = sphere_template(2)


def test_only_seam_and_pole_vertices_are_split():
    seams = find_seams(TEMPLATE.faces, TEMPLATE.face_uvs)
    split = np.bincount(seams.sources, minlength=len(TEMPLATE.vertices)) > 1
    x, z = TEMPLATE.vertices[split][:, 0], TEMPLATE.vertices[split][:, 2]
    assert np.any(split) and np.all((np.abs(x) < 0.25) & (z < 0.25))
    np.testing.assert_array_equal(np.unique(seams.sources), np.arange(len(TEMPLATE.vertices)))
    np.testing.assert_array_equal(seams.sources[seams.faces], TEMPLATE.faces)
    np.testing.assert_array_equal(seams.uvs[seams.faces], TEMPLATE.face_uvs)
    pairs = {(source, *uv) for source, uv in zip(seams.sources, seams.uvs.tolist(), strict=True)}
    assert len(pairs) == len(seams.uvs)


def test_faces_and_uvs_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="face_uvs"):
        find_seams(TEMPLATE.faces, TEMPLATE.face_uvs[:-1])


SEAMS = find_seams(TEMPLATE.faces, TEMPLATE.face_uvs)
VERTICES = TEMPLATE.vertices * np.float32([0.5, 0.4, 1.0])


@pytest.fixture(scope="module")
def texture():
    return np.random.default_rng(0).integers(0, 256, (16, 32, 3), dtype=np.uint8)


def corner_rows(vertices, faces, face_uvs):
    """Position and uv of every corner, [3F, 5], in an order of its own."""
    rows = np.concatenate([vertices[faces], face_uvs], axis=-1).reshape(-1, 5)
    return rows[np.lexsort(np.round(rows, 4).T)]


def test_obj_round_trip(texture):
    data = to_obj(VERTICES, SEAMS, texture)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert set(files) == {"object.obj", "object.mtl", "object.png"}
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(files["object.png"]))), texture)
    head = files["object.obj"].decode().splitlines()[0]
    assert head.startswith("#") and "up +y, front +z" in head and "unit" in head
    loaded = trimesh.load(
        io.BytesIO(files["object.obj"]),
        file_type="obj",
        resolver=trimesh.resolvers.ZipResolver({k: io.BytesIO(v) for k, v in files.items()}),
        process=False,
    )
    found = corner_rows(loaded.vertices, loaded.faces, loaded.visual.uv[loaded.faces])
    wanted = corner_rows(VERTICES, TEMPLATE.faces, TEMPLATE.face_uvs)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert loaded.visual.material.image.size == (32, 16)


def test_textures_of_glb_files_are_as_good_as_the_photographs_are():
    rows, columns = np.mgrid[:128, :256]
    texture = np.stack([rows, columns, (rows // 16 + columns // 16) % 2 * 255], -1).astype(np.uint8)
    found = np.asarray(Image.open(io.BytesIO(jpeg_bytes(texture)))).astype(int)
    assert np.abs(found - texture).mean() < 2


def test_wrong_arguments_are_named(texture):
    with pytest.raises(ValueError, match="uint8"):
        png_bytes(texture.astype(np.float32))
    with pytest.raises(ValueError, match=r"\[162, 3\]"):
        to_obj(VERTICES[:-1], SEAMS, texture)
