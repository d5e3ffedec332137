import base64
import email
import io
import json
import zipfile

import pytest

from service.errors import RequestError
from service.http import answers
from tests.service.requests import jpeg, post


def posted(client, kind, *contents, **fields):
    files = [("images", (f"../{i}.jpg", content)) for i, content in enumerate(contents)]
    return client.post("/v1/reconstruct", files=files, data=fields, headers={"accept": kind})


@pytest.fixture(scope="module")
def wanted(client):
    """What JSON says of the same photographs."""
    return post(client, jpeg(), b"junk", preview="1").json()["images"]


def check(body, files, wanted):
    assert (body["succeeded"], body["failed"]) == (1, 1)
    first, second = body["images"]
    assert second["error"]["code"] == "unsupported_format"
    assert first["mesh"]["data"] == "0000/mesh.glb"
    assert (first["mask"], first["preview"]) == ("0000/mask.png", "0000/preview.png")
    assert set(files) == {"0000/mesh.glb", "0000/mask.png", "0000/preview.png"}
    assert files["0000/mask.png"] == base64.b64decode(wanted[0]["mask"])
    assert files["0000/mesh.glb"][:4] == b"glTF"


def test_a_zip_holds_the_answer_and_the_files(client, wanted):
    answer = posted(client, answers.ZIP, jpeg(), b"junk", preview="1")
    assert answer.status_code == 207
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    check(json.loads(files.pop("answer.json")), files, wanted)


def test_multipart_holds_the_same(client, wanted):
    answer = posted(client, answers.MULTIPART, jpeg(), b"junk", preview="1")
    assert answer.status_code == 207
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + answer.content).get_payload()
    files = {part.get_filename(): part.get_payload(decode=True) for part in parts}
    assert parts[1].get_content_type() == "model/gltf-binary"
    check(json.loads(files.pop("answer.json")), files, wanted)


def test_lines_come_as_the_images_finish_and_end_with_the_sum(client):
    contents = [jpeg(), b"junk", *[jpeg(colour=(50 + i, 0, 0)) for i in range(20)]]
    answer = posted(client, answers.LINES, *contents)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    *lines, summary = [json.loads(line) for line in answer.text.splitlines()]
    assert summary == {"succeeded": 21, "failed": 1}
    assert sorted(line["index"] for line in lines) == list(range(22))
    # What needs no batch is there before what needs one.
    assert lines[0]["index"] == 1
    assert lines[0]["error"]["code"] == "unsupported_format"
    assert all(line["mesh"]["data"] for line in lines if line["status"] == "ok")


def test_lines_give_their_room_back(client):
    from service.api import routes

    engine = routes.state.engine
    posted(client, answers.LINES, *[jpeg()] * 64)
    engine.check_room(engine.settings.queue_limit)


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, answers.JSON),
        ("", answers.JSON),
        ("*/*", answers.JSON),
        ("application/*", answers.JSON),
        ("multipart/*", answers.MULTIPART),
        ("Application/ZIP", answers.ZIP),
        ("text/html, application/zip;q=0.9, */*;q=0.1", answers.ZIP),
        ("application/json;q=0, */*", answers.MULTIPART),
        ("application/json;q=0.5, application/x-ndjson; q=0.6", answers.LINES),
    ],
)
def test_the_client_s_first_choice_is_taken(header, chosen):
    assert answers.choose(header, answers.KINDS) == chosen


@pytest.mark.parametrize(
    ("header", "status"),
    [("text/html", 406), ("*/*;q=0", 406), ("application/json;q=high", 400), ("a" * 2000, 400)],
)
def test_what_cannot_be_given_is_refused(header, status):
    with pytest.raises(RequestError) as caught:
        answers.choose(header, answers.KINDS)
    assert caught.value.status == status
