"""What README.md prints for clients, run as printed against a real server."""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import trimesh
from PIL import Image

from service.process import ROOT, serving
from service.settings import SHIPPED_BUNDLE

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        not (SHIPPED_BUNDLE / "manifest.json").exists(), reason="no bundle is shipped"
    ),
]
PRINTED_ADDRESS = "http://localhost:3000"
SECONDS = 120


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    settings = {"INVERSE_GRAPHICS_BUNDLE": str(SHIPPED_BUNDLE), "INVERSE_GRAPHICS_DEVICE": "cpu"}
    with serving(tmp_path_factory.mktemp("home"), settings) as served:
        yield served.address


@pytest.fixture
def folder(tmp_path):
    """The sample photographs where README has them."""
    samples = tmp_path / "service" / "shipped" / "vehicles" / "samples"
    shutil.copytree(SHIPPED_BUNDLE / "samples", samples)
    return tmp_path


def printed(language):
    """The one block of this language in README's section on serving that names the address."""
    text = (ROOT / "README.md").read_text()
    section = text.split("\n## Serving\n")[1].split("\n## ")[0]
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if PRINTED_ADDRESS in block)
    return block


def run(command, folder, text):
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_lines_write_what_they_say(address, folder):
    text = printed("").replace(PRINTED_ADDRESS, address)
    assert text.count("curl ") == 8
    run(["bash", "-e"], folder, text)
    written = folder / "service" / "shipped" / "vehicles" / "samples"

    vehicle = trimesh.load(written / "vehicle.glb", force="mesh")
    assert vehicle.visual.material.baseColorTexture.size == (256, 128)
    answer = json.loads((written / "answer.json").read_text())
    assert [entry["name"] for entry in answer["images"]] == ["00.jpg", "01.jpg"]
    assert all(entry["mesh"]["data"] for entry in answer["images"])
    with zipfile.ZipFile(written / "meshes.zip") as members:
        assert members.testzip() is None
        assert {"0000/mesh.obj.zip", "0000/preview.png"} <= set(members.namelist())
    lines = [json.loads(line) for line in (written / "lines.ndjson").read_text().splitlines()]
    assert sorted(line["index"] for line in lines if "mesh" in line) == [0, 1]
    for name, kind, frames in (("turn.webp", "WEBP", 24), ("between.gif", "GIF", 8)):
        with Image.open(written / name) as animation:
            assert (animation.format, animation.n_frames) == (kind, frames)
    with Image.open(written / "turned.png") as picture:
        picture.load()
        assert picture.format == "PNG"
    assert json.loads((written / "job.json").read_text())["id"]


def test_the_python_client_writes_meshes_and_the_swap(address, folder):
    samples = folder / "service" / "shipped" / "vehicles" / "samples"
    run([sys.executable, "-"], samples, printed("python").replace(PRINTED_ADDRESS, address))
    for name in ("00.jpg.glb", "01.jpg.glb"):
        mesh = trimesh.load(
            io.BytesIO((samples / name).read_bytes()), file_type="glb", force="mesh"
        )
        assert len(mesh.faces) > 100
    with Image.open(samples / "swap.png") as picture:
        assert picture.size == (256, 256)


BENTOML_CLIENT = """
import bentoml

files = [("images", (name, open(name, "rb"))) for name in ("00.jpg", "01.jpg")]
with bentoml.SyncHTTPClient("http://localhost:3000") as client:
    answer = client.request("POST", "/v1/reconstruct", files=files, data={"format": "stl"})
    # The routes are a mounted application's, which BentoML's schema.json does not list.
    assert client.endpoints == {}, client.endpoints
assert answer.status_code == 200, answer.text
assert [entry["mesh"]["format"] for entry in answer.json()["images"]] == ["stl", "stl"]
"""


def test_bentoml_s_own_client_posts_images(address, folder):
    samples = folder / "service" / "shipped" / "vehicles" / "samples"
    run([sys.executable, "-"], samples, BENTOML_CLIENT.replace(PRINTED_ADDRESS, address))
