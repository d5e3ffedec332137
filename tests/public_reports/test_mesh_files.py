"""Mesh files as slicers, viewers and the Khronos validator take them."""

import base64
import io
import json
import os
import shutil
import subprocess
import zipfile

import numpy as np
import pytest
import trimesh
from PIL import Image

from graphics import formats
from graphics.formats import GlbWriter, find_seams
from graphics.mesh import sphere_template
from service.process import ROOT
from tests.service.requests import jpeg, post

NODE = shutil.which("node")
VALIDATE = """
const bytes = new Uint8Array(require("fs").readFileSync(0));
require("gltf-validator").validateBytes(bytes).then(
    (report) => console.log(JSON.stringify(report.issues)));
"""


def mesh_of(client, kind, **options):
    files = {"images": ("a.jpg", jpeg())}
    answer = client.post("/v1/reconstruct", files=files, data=options, headers={"Accept": kind})
    assert answer.status_code == 200, answer.text
    return answer.content


def issues_of(content):
    """Of errors and warnings, by the Khronos glTF validator (`npm install gltf-validator`)."""
    if NODE is None:
        pytest.skip("needs node")
    environment = {**os.environ, "NODE_PATH": os.environ.get("NODE_PATH", "")}
    found = subprocess.run(
        [NODE, "-e", 'require("gltf-validator")'], cwd=ROOT, env=environment, capture_output=True
    )
    if found.returncode:
        pytest.skip("needs npm install gltf-validator")
    done = subprocess.run(
        [NODE, "-e", VALIDATE], cwd=ROOT, env=environment, input=content, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    issues = json.loads(done.stdout)
    return [one["message"] for one in issues["messages"] if one["severity"] < 2]


@pytest.mark.parametrize("options", [{}, {"texture": "false"}, {"texture_size": "33"}])
def test_a_served_glb_is_valid(client, options):
    assert issues_of(mesh_of(client, "model/gltf-binary", **options)) == []


@pytest.mark.parametrize("variant", ["wide_indices", "collapsed", "odd_texture"])
def test_every_kind_of_glb_is_valid(monkeypatch, variant):
    template = sphere_template(2)
    if variant == "wide_indices":
        monkeypatch.setattr(formats, "MOST_SHORT", 100)
    write = GlbWriter(find_seams(template.faces, template.face_uvs))
    size = (5, 7) if variant == "odd_texture" else (16, 32)
    vertices = template.vertices * (0 if variant == "collapsed" else 1)
    assert issues_of(write(vertices, np.zeros((*size, 3), np.uint8))) == []


def test_the_validator_is_asked():
    template = sphere_template(1)
    write = GlbWriter(find_seams(template.faces, template.face_uvs))
    content = write(template.vertices, np.zeros((4, 4, 3), np.uint8))
    assert issues_of(content.replace(b'"componentType":5126', b'"componentType":5120', 1)) != []


def test_front_and_up_are_where_gltf_has_them():
    """By the corners of the file itself, as any viewer places them."""
    template = sphere_template(2)
    vertices = template.vertices.copy()
    vertices[vertices[:, 2] > 0.9] *= 2  # a nose at the front
    vertices[vertices[:, 1] > 0.9] *= 3  # a tower
    write = GlbWriter(find_seams(template.faces, template.face_uvs))
    texture = np.zeros((32, 64, 3), np.uint8)
    texture[:16] = 255  # the upper half
    scene = trimesh.load(io.BytesIO(write(vertices, texture)), file_type="glb", process=False)
    (loaded,) = scene.geometry.values()
    low, high = loaded.bounds
    assert high[2] > 1.8 and low[2] > -1.1 and high[1] > 2.7 and low[1] > -1.1
    rows = np.asarray(loaded.visual.material.baseColorTexture.convert("L"))
    height = np.clip(((1 - loaded.visual.uv[:, 1]) * 32).astype(int), 0, 31)
    bright = rows[height, 0] > 127
    assert loaded.vertices[bright, 1].mean() > 0.3 > -0.3 > loaded.vertices[~bright, 1].mean()


def test_glb_and_obj_say_what_their_numbers_mean(client):
    glb = mesh_of(client, "model/gltf-binary")
    (length,) = np.frombuffer(glb[12:16], "<u4")
    extras = json.loads(glb[20 : 20 + length])["asset"]["extras"]
    assert (extras["up"], extras["front"]) == ("+y", "+z") and "not known" in extras["unit"]
    (entry,) = post(client, jpeg(), format="obj").json()["images"]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(entry["mesh"]["data"]))) as archive:
        head = archive.read("object.obj").splitlines()[0].decode()
    assert "up +y, front +z" in head and "not known" in head


@pytest.mark.parametrize(("options", "longest"), [({}, 100), ({"length_mm": "42.5"}, 42.5)])
def test_a_printed_object_stands_upright_in_millimetres(client, options, longest):
    stl = mesh_of(client, "model/stl", format="stl", **options)
    loaded = trimesh.load(io.BytesIO(stl), file_type="stl")
    glb = mesh_of(client, "model/gltf-binary")
    scene = trimesh.load(io.BytesIO(glb), file_type="glb", process=False)
    (seen,) = scene.geometry.values()
    assert loaded.extents.max() == pytest.approx(longest, rel=1e-4)
    x, y, z = seen.extents * longest / seen.extents.max()
    assert loaded.extents == pytest.approx([x, z, y], rel=1e-3)
    assert loaded.bounds[0][2] == pytest.approx(0, abs=1e-4)
    printed = mesh_of(client, "model/3mf", format="3mf", **options)
    with zipfile.ZipFile(io.BytesIO(printed)) as archive:
        model = archive.read("3D/3dmodel.model").decode()
        texture = Image.open(io.BytesIO(archive.read("3D/Textures/object.png")))
    assert 'unit="millimeter"' in model and texture.size[0] == 256


def test_a_kept_mesh_is_printed_at_any_length(client):
    (entry,) = post(client, jpeg(), format="3mf", links="true", length_mm="20").json()["images"]
    assert entry["mesh"]["media_type"] == "model/3mf"
    answer = client.get(entry["mesh"]["data"])
    assert answer.status_code == 200 and answer.headers["content-type"] == "model/3mf"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        model = archive.read("3D/3dmodel.model").decode()
    xs = [float(part.split('"')[0]) for part in model.split('x="')[1:]]
    assert max(xs) <= 10.001
    answer = client.get(entry["mesh"]["data"].replace("3mf", "stl"))
    assert trimesh.load(io.BytesIO(answer.content), file_type="stl").extents.max() == pytest.approx(
        20, rel=1e-4
    )


def test_a_length_of_what_is_not_printed_is_refused(client):
    answer = post(client, jpeg(), length_mm="80")
    assert answer.status_code == 400
    assert "give format=stl or 3mf" in answer.json()["error"]["message"]
