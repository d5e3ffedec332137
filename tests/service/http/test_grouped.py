import io
import json
import zipfile

import pytest

from tests.service.requests import jpeg, post

FIRST, SECOND = jpeg(), jpeg(width=150, height=90)
OTHER = jpeg(width=60, height=160, colour=(20, 150, 20))


@pytest.fixture(scope="module")
def fused(client):
    return post(client, FIRST, SECOND, fuse="true", preview="true")


def test_photographs_of_one_object_become_one_mesh(fused):
    assert fused.status_code == 200
    (whole,) = fused.json()["objects"]
    assert whole["status"] == "ok" and whole["mesh"]["format"] == "glb" and whole["preview"]
    assert [each["index"] for each in whole["photographs"]] == [0, 1]
    assert sum(whole["coverage"]) == pytest.approx(1, abs=1e-4)
    for entry in fused.json()["images"]:
        assert entry["object"] == whole["name"] and entry["camera"] and entry["mask"]
        assert "mesh" not in entry and "id" not in entry


def test_an_object_is_kept_under_its_id_in_every_format(client, fused):
    identity = fused.json()["objects"][0]["id"]
    for form in ("glb", "obj", "stl", "3mf", "npz"):
        file = client.get(f"/v1/reconstructions/{identity}/mesh", params={"format": form})
        assert file.status_code == 200 and file.content
    sides = {"shape": {"id": identity}, "cameras": [{"azimuth_degrees": 180}]}
    body = {**sides, "texture": {"id": identity}, "renderer": "graphics"}
    assert client.post("/v1/render", json=body).status_code == 200


def test_images_are_grouped_by_the_names_of_their_objects(client):
    answer = post(client, FIRST, OTHER, SECOND, object=["a", "b", "a"]).json()
    assert [one["name"] for one in answer["objects"]] == ["a", "b"]
    members = [[each["index"] for each in one["photographs"]] for one in answer["objects"]]
    assert members == [[0, 2], [1]]
    assert [entry["object"] for entry in answer["images"]] == ["a", "b", "a"]


def test_a_bad_photograph_is_named_and_the_others_become_the_mesh(client):
    found = post(client, FIRST, b"no image", FIRST, object=["a"] * 3)
    assert found.status_code == 207
    (whole,) = found.json()["objects"]
    reasons = [each.get("reason") for each in whole["photographs"]]
    assert whole["status"] == "ok" and reasons == [None, "failed", "duplicate"]
    assert found.json()["images"][1]["error"]["code"] == "unsupported_format"


def test_an_object_of_bad_photographs_harms_no_other(client):
    found = post(client, b"no image", FIRST, object=["a", "b"])
    assert found.status_code == 207
    first, second = found.json()["objects"]
    assert first["error"]["code"] == "no_photograph" and second["status"] == "ok"


def test_files_of_objects_have_names_of_their_own_in_a_zip(client):
    files = [("images", (f"{i}.jpg", each)) for i, each in enumerate((FIRST, SECOND))]
    accept = {"Accept": "application/zip"}
    found = client.post("/v1/reconstruct", files=files, data={"fuse": "1"}, headers=accept)
    with zipfile.ZipFile(io.BytesIO(found.content)) as members:
        names = members.namelist()
        whole = json.loads(members.read("answer.json"))["objects"][0]
    assert whole["mesh"]["data"] == "object-0000/mesh.glb" and "object-0000/mesh.glb" in names


def test_an_object_comes_as_a_file_and_in_lines(client):
    files = [("images", (f"{i}.jpg", each)) for i, each in enumerate((FIRST, SECOND))]

    def sent(accept):
        headers = {"Accept": accept}
        return client.post("/v1/reconstruct", files=files, data={"fuse": "1"}, headers=headers)

    assert sent("model/gltf-binary").content.startswith(b"glTF")
    lines = [json.loads(line) for line in sent("application/x-ndjson").text.splitlines()]
    assert [line.get("index") for line in lines] == [0, 1, 0, None]
    assert lines[2]["photographs"] and lines[3] == {"succeeded": 2, "failed": 0}


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"object": ["a"]}, "wrong_count", "got 1 names in field object for 2 images"),
        ({"object": ["a", "b"], "fuse": "1"}, "invalid_field", "leave field object out"),
        ({"object": ["a", ""]}, "invalid_field", "0 characters; 1..255"),
        ({"fuse": "1", "refine": "51"}, "invalid_field", "0..50"),
    ],
)
def test_groupings_that_cannot_be_meant_are_refused(client, fields, code, says):
    found = post(client, FIRST, SECOND, **fields)
    assert found.status_code == 400
    assert found.json()["error"]["code"] == code and says in found.json()["error"]["message"]
