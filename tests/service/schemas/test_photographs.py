import base64
import json

import pytest

from service.schemas.photographs import ImageAnswer, Mesh

GLB = bytes(range(256))


def answer(data):
    mesh = Mesh(format="glb", media_type="model/gltf-binary", data=data)
    return ImageAnswer(index=0, name="a.jpg", status="ok", mesh=mesh, mask=GLB)


def test_a_file_is_bytes_here_and_base64_in_json():
    found = answer(GLB)
    assert found.mesh.data is GLB
    written = json.loads(found.to_json())
    assert base64.b64decode(written["mesh"]["data"]) == GLB
    assert written["mask"] == base64.b64encode(GLB).decode()


def test_json_is_read_back_as_the_same_bytes():
    assert ImageAnswer.model_validate_json(answer(GLB).to_json()) == answer(GLB)


@pytest.mark.parametrize("text", ["0000/mesh.glb", "/v1/reconstructions/0/mesh?format=glb"])
def test_a_name_or_a_path_stands_for_a_file_as_it_is(text):
    assert json.loads(answer(text).to_json())["mesh"]["data"] == text


def test_what_has_no_value_is_not_in_the_json():
    assert json.loads(ImageAnswer(index=0, name="a", status="error").to_json()) == {
        "index": 0, "name": "a", "status": "error", "timings": {},
    }  # fmt: skip
