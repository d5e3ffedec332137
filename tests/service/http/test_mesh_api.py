import base64
import io
import json

import pytest
import trimesh

from service.http.mesh_api import ID_HEADER
from tests.service.requests import jpeg, post

GLB, STL = "model/gltf-binary", "model/stl"


def mesh_of(answer):
    (entry,) = answer.json()["images"]
    return entry["mesh"]


def post_for(client, accept, *contents, **fields):
    files = [("images", (f"{i}.jpg", content)) for i, content in enumerate(contents)]
    headers = {"Accept": accept}
    return client.post("/v1/reconstruct", files=files, data=fields, headers=headers)


def refusal(answer, status):
    assert answer.status_code == status, answer.text[:500]
    return answer.json()["error"]["code"]


@pytest.mark.parametrize(
    "options", [{}, {"format": "obj"}, {"format": "npz"}, {"texture": "false"}]
)
def test_a_link_leads_to_the_file_that_else_is_in_the_answer(client, options):
    linked = mesh_of(post(client, jpeg(), links="true", **options))
    inside = mesh_of(post(client, jpeg(), **options))
    assert linked["data"].startswith("/v1/reconstructions/")
    found = client.get(linked["data"])
    assert found.status_code == 200
    assert found.headers["content-type"] == linked["media_type"] == inside["media_type"]
    if options.get("format", "glb") == "glb":
        assert found.content == base64.b64decode(inside["data"])
    else:  # ZIP files have the time in them
        assert len(found.content) == len(base64.b64decode(inside["data"]))


def test_lines_have_links_too(client):
    lines = post_for(client, "application/x-ndjson", jpeg(), links="1").text
    entry = json.loads(lines.splitlines()[0])
    assert client.get(entry["mesh"]["data"]).content[:4] == b"glTF"


@pytest.mark.parametrize("accept", ["application/zip", "multipart/mixed", GLB])
def test_answers_that_hold_their_files_have_no_links(client, accept):
    answer = post_for(client, accept, jpeg(), links="true")
    assert refusal(answer, 400) == "invalid_field"


def test_links_have_no_other_texture_size_and_are_no_links_in_jobs(client):
    answer = post(client, jpeg(), links="true", texture_size="64")
    assert refusal(answer, 400) == "invalid_field"
    assert refusal(post(client, jpeg(), links="perhaps"), 400) == "invalid_field"
    files = [("images", ("a.jpg", jpeg()))]
    answer = client.post("/v1/jobs", files=files, data={"links": "true"})
    assert refusal(answer, 400) == "unknown_field"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("none/mesh", 404, "unknown_id"),
        ("none/mesh?format=fbx", 400, "invalid_field"),
        ("none/mesh?size=9", 400, "unknown_field"),
    ],
)
def test_what_is_not_kept_or_not_understood_is_refused(client, path, status, code):
    assert refusal(client.get(f"/v1/reconstructions/{path}"), status) == code


def test_one_photograph_can_be_answered_with_its_glb_alone(client):
    answer = post_for(client, GLB, jpeg())
    assert (answer.status_code, answer.headers["content-type"]) == (200, GLB)
    assert answer.content == base64.b64decode(mesh_of(post(client, jpeg()))["data"])
    identity = answer.headers[ID_HEADER]
    assert f"{identity}.glb" in answer.headers["content-disposition"]
    assert client.get(f"/v1/reconstructions/{identity}/mesh").content == answer.content


def test_the_accepted_type_names_the_format(client):
    answer = post_for(client, STL, jpeg())
    mesh = trimesh.load(io.BytesIO(answer.content), file_type="stl")
    assert len(mesh.faces) == 80
    conflict = post_for(client, GLB, jpeg(), format="obj")
    assert refusal(conflict, 406) == "not_acceptable"


def test_a_file_alone_holds_one_image_and_its_error_is_that_of_the_answer(client):
    assert refusal(post_for(client, GLB, jpeg(), jpeg()), 406) == "not_acceptable"
    assert refusal(post_for(client, GLB, b""), 422) == "empty_file"


def test_what_is_no_route_is_said_in_json(client):
    assert refusal(client.get("/v1/nothing"), 404) == "not_found"
    answer = client.get("/v1/reconstruct")
    assert refusal(answer, 405) == "wrong_method"
    assert answer.headers["allow"] == "POST"
    assert answer.headers["x-request-id"]
    answer = client.put("/v1/jobs/some")
    assert refusal(answer, 405) == "wrong_method"
    assert answer.headers["allow"] == "DELETE, GET, HEAD"
