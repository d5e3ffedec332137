"""What the documentation prints for clients, run as printed against a real server."""

import io
import json
import shutil
import subprocess
import sys
import zipfile

import pytest
import trimesh
from PIL import Image

from service.process import ROOT, serving
from service.settings import SHIPPED_BUNDLE
from tests.docs.markdown import PAGES, blocks

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        not (SHIPPED_BUNDLE / "manifest.json").exists(), reason="no bundle is shipped"
    ),
]
PRINTED_ADDRESS = "http://localhost:3000"
SECONDS = 120
NAMING_IT = [block for page in PAGES for block in blocks(page) if PRINTED_ADDRESS in block.text]
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    settings = {"INVERSE_GRAPHICS_BUNDLE": str(SHIPPED_BUNDLE), "INVERSE_GRAPHICS_DEVICE": "cpu"}
    with serving(tmp_path_factory.mktemp("home"), settings) as served:
        yield served.address


@pytest.fixture
def folder(tmp_path):
    """The sample photographs where the repository has them."""
    shutil.copytree(
        SHIPPED_BUNDLE / "samples", tmp_path / SHIPPED_BUNDLE.relative_to(ROOT) / "samples"
    )
    return tmp_path


@pytest.fixture
def samples(folder):
    return folder / SHIPPED_BUNDLE.relative_to(ROOT) / "samples"


def printed(page, kind, holding=""):
    """The one block of this kind that a page prints for clients."""
    (block,) = (
        block.text
        for block in NAMING_IT
        if (block.page, block.kind) == (page, kind) and holding in block.text
    )
    return block


def run(command, folder, text):
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_other_block_is_printed_for_clients():
    assert sorted((block.page, block.kind) for block in NAMING_IT) == [
        ("README.md", "sh"),
        ("docs/serving.md", "python"), ("docs/serving.md", "python"), ("docs/serving.md", "sh"),
    ]  # fmt: skip


@needs_curl
def test_the_first_photograph_becomes_a_mesh(address, folder):
    run(["bash", "-e"], folder, printed("README.md", "sh").replace(PRINTED_ADDRESS, address))
    vehicle = trimesh.load(folder / "vehicle.glb", force="mesh")
    assert len(vehicle.faces) > 100


@needs_curl
def test_the_curl_lines_write_what_they_say(address, folder):
    text = printed("docs/serving.md", "sh").replace(PRINTED_ADDRESS, address)
    assert text.count("curl ") == 13
    run(["bash", "-e"], folder, text)

    tried = folder / "build" / "try"
    objects = json.loads((tried / "objects.json").read_text())
    assert (objects["options"]["objects"], objects["total"]) == ("folder", 2)
    vehicle = trimesh.load(tried / "vehicle.glb", force="mesh")
    assert vehicle.visual.material.baseColorTexture.size == (256, 128)
    with zipfile.ZipFile(tried / "vehicle.3mf") as printed_parts:
        assert b'unit="millimeter"' in printed_parts.read("3D/3dmodel.model")
    answer = json.loads((tried / "answer.json").read_text())
    assert [entry["name"] for entry in answer["images"]] == ["00.jpg", "01.jpg"]
    assert all(entry["mesh"]["data"] for entry in answer["images"])
    fused = trimesh.load(tried / "fused.glb", force="mesh")
    assert len(fused.faces) == len(vehicle.faces)
    (boxed,) = json.loads((tried / "boxed.json").read_text())["images"]
    assert boxed["status"] == "ok" and boxed["quality_flags"] != ["no_object"]
    with zipfile.ZipFile(tried / "meshes.zip") as members:
        assert members.testzip() is None
        assert {"0000/mesh.obj.zip", "0000/preview.png"} <= set(members.namelist())
    lines = [json.loads(line) for line in (tried / "lines.ndjson").read_text().splitlines()]
    assert sorted(line["index"] for line in lines if "mesh" in line) == [0, 1]
    for name, kind, frames in (
        ("mine.gif", "GIF", 24),
        ("turn.webp", "WEBP", 24),
        ("between.gif", "GIF", 8),
    ):
        with Image.open(tried / name) as animation:
            assert (animation.format, animation.n_frames) == (kind, frames)
    with Image.open(tried / "turned.png") as picture:
        picture.load()
        assert picture.format == "PNG"
    assert json.loads((tried / "job.json").read_text())["id"]


def test_the_python_client_writes_meshes_and_the_swap(address, samples):
    text = printed("docs/serving.md", "python", "httpx")
    run([sys.executable, "-"], samples, text.replace(PRINTED_ADDRESS, address))
    for name in ("00.jpg.glb", "01.jpg.glb"):
        mesh = trimesh.load(
            io.BytesIO((samples / name).read_bytes()), file_type="glb", force="mesh"
        )
        assert len(mesh.faces) > 100
    with Image.open(samples / "swap.png") as picture:
        assert picture.size == (256, 256)


CHECKS = """
    # The routes are a mounted application's, which BentoML's schema.json does not list.
    assert client.endpoints == {}, client.endpoints
assert answer.status_code == 200, answer.text
"""


def test_bentoml_s_own_client_posts_images(address, samples):
    text = printed("docs/serving.md", "python", "import bentoml").rstrip() + CHECKS
    said = run([sys.executable, "-"], samples, text.replace(PRINTED_ADDRESS, address))
    assert said.strip().splitlines()[-1] == "['stl', 'stl']"
