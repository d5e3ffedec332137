"""The textures of the mesh files that a request gets."""

import base64
import io

import numpy as np
import pytest
import trimesh
from PIL import Image

from graphics.render import render
from service.pipeline.reconstruction import PREVIEW_SIZE, SAMPLES, cut_out
from service.settings import Settings
from tests.service.requests import image_of, jpeg, png, post


def file_of(answer):
    (entry,) = answer.json()["images"]
    return base64.b64decode(entry["mesh"]["data"])


def texture_of(content):
    mesh = trimesh.load(io.BytesIO(content), file_type="glb", force="mesh")
    return mesh.visual.material.baseColorTexture


def test_without_texture_the_mesh_is_plain(client):
    with_texture, without = (file_of(post(client, jpeg(), texture=t)) for t in ("true", "false"))
    assert texture_of(without).size == (1, 1)
    assert len(without) < len(with_texture)


def test_the_texture_comes_in_the_size_asked_for(client):
    assert texture_of(file_of(post(client, jpeg(), texture_size="64"))).size == (64, 32)


def test_the_setting_gives_the_size_where_the_request_does_not(client):
    texture = texture_of(file_of(post(client, jpeg())))
    assert texture.size == (Settings().texture_size, Settings().texture_size // 2)
    named = post(client, jpeg(), texture_size=str(Settings().texture_size))
    assert texture.tobytes() == texture_of(file_of(named)).tobytes()


@pytest.fixture(scope="module")
def checked():
    """A dark square whose pattern is finer than the model's own texture."""
    cells = np.indices((24, 24)).sum(axis=0) % 2 * 90
    board = Image.fromarray(cells.astype(np.uint8)).resize((480, 480), Image.Resampling.NEAREST)
    photograph = Image.new("RGB", (640, 640), (240, 240, 240))
    photograph.paste(board.convert("RGB"), (80, 80))
    return png(photograph)


def npz_of(client, content):
    entry = post(client, content, format="npz", preview="true").json()["images"][0]
    arrays = np.load(io.BytesIO(base64.b64decode(entry["mesh"]["data"])))
    return entry, {name: arrays[name] for name in arrays.files}


def test_pictures_are_drawn_with_the_texture_of_the_mesh_file(client, checked, loaded_bundle):
    entry, arrays = npz_of(client, checked)
    texture = arrays["texture"]
    assert texture.std() > 20  # the pattern is on it
    of_file = np.asarray(texture_of(file_of(post(client, checked))).convert("RGB"))
    assert np.abs(of_file.astype(int) - texture).mean() < 3  # a JPEG
    expected = cut_out(
        render(
            arrays["vertices"][None],
            texture[None] / np.float32(255),
            arrays["camera"][None],
            loaded_bundle.template,
            PREVIEW_SIZE,
            samples=SAMPLES,
        )
    )
    fields = {"reconstruction": {"id": entry["id"]}}
    (rendered,) = client.post("/v1/render", json=fields).json()["images"]
    for text in (entry["preview"], rendered):
        np.testing.assert_array_equal(np.asarray(image_of(text)), expected)


def test_textures_of_two_sizes_meet_in_one(client, checked):
    entry, arrays = npz_of(client, checked)
    file = io.BytesIO()
    small = np.asarray(Image.fromarray(arrays["texture"]).resize((16, 8), Image.Resampling.BOX))
    np.savez(file, **{**arrays, "texture": small})
    fields = {
        "reconstruction": {"id": entry["id"]},
        "interpolation": {"to": {"npz": base64.b64encode(file.getvalue()).decode()}, "steps": 3},
    }
    answer = client.post("/v1/render", json=fields)
    assert answer.status_code == 200, answer.text
    first, middle, last = (
        np.asarray(image_of(text))[96:160, 96:160, :3].std() for text in answer.json()["images"]
    )
    assert first > middle > last  # the pattern fades
