import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
import trimesh
from PIL import Image

from graphics.formats import find_seams
from graphics.mesh import sphere_template
from graphics.print_files import CORE, MATERIALS, STL_TRIANGLE, placed, to_3mf, to_stl

TEMPLATE = sphere_template(2)
SEAMS = find_seams(TEMPLATE.faces, TEMPLATE.face_uvs)
VERTICES = TEMPLATE.vertices * np.float32([0.5, 0.4, 1.0]) + np.float32([3, -1, 2])
SPACES = {"c": CORE, "m": MATERIALS}


@pytest.fixture(scope="module")
def texture():
    return np.random.default_rng(0).integers(0, 256, (16, 32, 3), dtype=np.uint8)


def test_stl_stands_on_the_plate_in_millimetres():
    data = to_stl(VERTICES, TEMPLATE.faces)
    assert len(data) == 84 + 50 * len(TEMPLATE.faces)
    assert not data.startswith(b"solid")  # as text files do
    loaded = trimesh.load(io.BytesIO(data), file_type="stl", process=False)
    low, high = loaded.bounds
    assert high - low == pytest.approx([50, 100, 40], abs=0.01)
    assert low == pytest.approx([-25, -50, 0], abs=0.01)
    stored = np.frombuffer(data[84:], STL_TRIANGLE)["normal"]
    np.testing.assert_allclose(stored, trimesh.triangles.normals(loaded.triangles)[0], atol=1e-4)


@pytest.mark.parametrize(
    ("point", "printed"),
    [([0, 1, 0], [0, 0, 100]), ([0, 0, 1], [0, -50, 50]), ([1, 0, 0], [50, 0, 50])],
    ids=["top", "front", "left_of_the_object"],
)
def test_up_is_up_and_the_front_is_before_the_printer(point, printed):
    cube = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    vertices = np.vstack([cube, point])
    np.testing.assert_allclose(placed(vertices, 100)[-1], printed, atol=1e-9)


def test_lengths_are_those_asked_for_and_the_surface_is_not_turned_inside_out():
    for length in (1, 80.5, 10_000):
        loaded = trimesh.Trimesh(placed(VERTICES, length), TEMPLATE.faces, process=False)
        assert loaded.extents.max() == pytest.approx(length)
        assert loaded.is_watertight and loaded.volume > 0
    assert np.isfinite(placed(np.ones((4, 3)), 100)).all()


def parts_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def relations_of(part):
    return {one.get("Type"): one.get("Target") for one in ElementTree.fromstring(part)}


@pytest.mark.parametrize("coloured", [True, False])
def test_3mf_obeys_its_specification(texture, coloured):
    parts = parts_of(to_3mf(VERTICES, SEAMS, texture if coloured else None, 80))
    kinds = {
        one.get("Extension"): one.get("ContentType")
        for one in ElementTree.fromstring(parts["[Content_Types].xml"])
    }
    assert {name.rsplit(".", 1)[1] for name in parts if name[0] != "["} <= set(kinds)
    assert kinds["model"] == "application/vnd.ms-package.3dmanufacturing-3dmodel+xml"
    start = "http://schemas.microsoft.com/3dmanufacturing/2013/01"
    assert relations_of(parts["_rels/.rels"]) == {f"{start}/3dmodel": "/3D/3dmodel.model"}
    model = ElementTree.fromstring(parts["3D/3dmodel.model"])
    assert model.tag == f"{{{CORE}}}model" and model.get("unit") == "millimeter"
    resources, build = model.find("c:resources", SPACES), model.find("c:build", SPACES)
    ids = [one.get("id") for one in resources]
    assert len(ids) == len(set(ids)) and all(int(number) > 0 for number in ids)
    (thing,) = resources.findall("c:object", SPACES)
    (item,) = build
    assert item.get("objectid") == thing.get("id") and resources[-1] is thing
    vertices = thing.findall("c:mesh/c:vertices/c:vertex", SPACES)
    triangles = thing.findall("c:mesh/c:triangles/c:triangle", SPACES)
    positions = np.array([[float(one.get(axis)) for axis in "xyz"] for one in vertices])
    faces = np.array([[int(one.get(f"v{n}")) for n in (1, 2, 3)] for one in triangles])
    surface = trimesh.Trimesh(positions, faces, process=False)
    assert surface.is_watertight and surface.is_winding_consistent and surface.volume > 0
    assert surface.extents == pytest.approx([40, 80, 32], abs=0.01)
    assert positions[:, 2].min() == 0
    if coloured:
        check_colours(parts, resources, triangles, texture)
    else:
        assert thing.get("pid") in ids and thing.get("pindex") == "0"


def check_colours(parts, resources, triangles, texture):
    picture = resources.find("m:texture2d", SPACES)
    group = resources.find("m:texture2dgroup", SPACES)
    assert group.get("texid") == picture.get("id")
    targets = relations_of(parts["3D/_rels/3dmodel.model.rels"])
    assert list(targets.values()) == [picture.get("path")]
    stored = Image.open(io.BytesIO(parts[picture.get("path")[1:]]))
    np.testing.assert_array_equal(np.asarray(stored), texture)
    uvs = np.array([[float(one.get("u")), float(one.get("v"))] for one in group])
    corners = np.array([[int(one.get(f"p{n}")) for n in (1, 2, 3)] for one in triangles])
    assert {one.get("pid") for one in triangles} == {group.get("id")}
    np.testing.assert_allclose(uvs[corners], TEMPLATE.face_uvs, atol=1e-5)
