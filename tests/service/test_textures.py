"""The textures of the mesh files that a request gets."""

import base64
import io

import trimesh

from service.settings import Settings
from tests.service.requests import jpeg, post


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
    assert texture.size == (Settings.texture_size, Settings.texture_size // 2)
    named = post(client, jpeg(), texture_size=str(Settings.texture_size))
    assert texture.tobytes() == texture_of(file_of(named)).tobytes()
