"""JSON that is refused says what was got and what is allowed, and not in a library's words."""

import json
import re

import pytest

from service.errors import RequestError
from service.http.json_errors import shown
from service.http.requests import validated
from service.schemas.rendering import EditChanges, RenderRequest
from tests.service.requests import jpeg

ID = {"id": "a"}
LIBRARY = re.compile("Input|Field required|Extra inputs|Value error|Invalid JSON|valid ")


def refusal(model, body, name=""):
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    with pytest.raises(RequestError) as caught:
        validated(model, text, name)
    assert (caught.value.status, caught.value.code) == (422, "invalid_request")
    assert not LIBRARY.search(caught.value.message), caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"size": 5000}, "size is 5000; it must be at most 1024"),
        ({"size": 1}, "size is 1; it must be at least 16"),
        ({"size": 20.5}, "size is 20.5; it must be a whole number"),
        ({"size": "large"}, "size is 'large'; it must be a whole number"),
        ({"size": [256]}, "size is a list of 1; it must be a whole number"),
        ({"size": True}, "size is true; it must be"),
        ({"renderer": "cubist"}, "is 'cubist'; it must be 'graphics', 'gan' or 'neural'"),
        ({"renderer": None}, "is null; it must be 'graphics', 'gan' or 'neural'"),
        ({"cameras": []}, "cameras is a list of 0; it must be a list of at least 1"),
        ({"cameras": {}}, "cameras is an object; it must be a list"),
        ({"cameras": [7]}, "cameras.0 is 7; it must be an object"),
        ({"cameras": [{}]}, "cameras.0.azimuth_degrees is missing: send degrees; 0 = the front"),
        ({"cameras": [{"azimuth_degrees": "north"}]},
         "cameras.0.azimuth_degrees is 'north'; it must be a number"),
        ({"cameras": [{"azimuth_degrees": 0, "offset": [1]}]},
         "cameras.0.offset.1 is missing: a list of 1 is too short"),
        ({"cameras": [{"azimuth_degrees": 0, "offset": [1, 2, 3]}]},
         "cameras.0.offset is a list of 3; it must be a list of at most 2"),
        ({"surprise": 1}, "surprise is not known; it must be one of ('reconstruction', 'shape',"),
        ({"turntable": {"speed": 1}}, "turntable.speed is not known; it must be one of ('frames',"),
        ({"reconstruction": {"id": "x" * 99}},
         f"reconstruction.id is {'x' * 80!r}; it must be a text of at most 64 characters"),
        ({"reconstruction": {"id": 7}}, "reconstruction.id is 7; it must be a text"),
        ({"reconstruction": {}}, "reconstruction: give exactly one of id, npz, image, seed, not"),
        ({"reconstruction": None, "shape": ID},
         "the body: give reconstruction, or both shape and texture, not ['shape']"),
        ({"interpolation": {"to": ID, "parts": ["wheels"]}},
         "interpolation.parts.0 is 'wheels'; it must be 'shape', 'texture', 'background' or"),
    ],
)  # fmt: skip
def test_what_was_got_and_what_is_allowed(more, words):
    assert words in refusal(RenderRequest, {"reconstruction": ID, **more})


@pytest.mark.parametrize("body", ["", "{", "[1", b"\xff", "{'a': 1}", "nonsense"])
def test_what_is_no_json_is_told_so(body):
    assert refusal(RenderRequest, body).startswith("the body is no JSON (")


@pytest.mark.parametrize("body", ["[]", "null", '"a"', "7"])
def test_what_is_no_object_is_told_so(body):
    assert refusal(RenderRequest, body).endswith("; it must be an object")


def test_numbers_that_are_none_are_refused():
    body = '{"reconstruction": {"id": "a"}, "cameras": [{"azimuth_degrees": NaN}]}'
    assert "azimuth_degrees is nan; it must be a finite number" in refusal(RenderRequest, body)


def test_changes_in_a_form_are_called_by_their_field():
    assert refusal(EditChanges, {"turn_degrees": 1000}, "changes") == (
        "changes.turn_degrees is 1000; it must be at most 360"
    )
    assert refusal(EditChanges, {}, "changes").startswith("changes: give at least one of")
    assert refusal(EditChanges, "{", "changes").startswith("changes is no JSON (")


def test_a_large_value_is_shown_in_few_characters():
    assert len(shown("x" * 10_000_000)) < 100
    assert len(shown(10**400)) < 100
    assert shown([[0] * 99] * 99) == "a list of 99"


@pytest.mark.parametrize(
    "body",
    [
        '{"reconstruction": {"id": "a"}, "reconstruction": {"id": "b"}}',
        '{"reconstruction": {"id": "a", "i\\u0064": "b"}}',
        '{"reconstruction": {"id": "a"}, "cameras": [{"distance": 1, "distance": 2}]}',
    ],
)
def test_a_key_stands_once_in_an_object(body):
    assert "stands there twice" in refusal(RenderRequest, body)
    assert "stands there twice" in refusal(RenderRequest, body.encode())


def test_one_photograph_has_one_box(client):
    sent = {"boxes": '{"a.jpg": [1, 2, 30, 40], "a.jpg": [2, 3, 40, 50]}'}
    answer = client.post("/v1/reconstruct", files={"images": ("a.jpg", jpeg())}, data=sent)
    assert answer.status_code == 400
    assert "one box for each name" in answer.json()["error"]["message"]


def test_the_mark_that_editors_on_windows_write_is_passed_over():
    body = json.dumps({"reconstruction": ID})
    assert validated(RenderRequest, body.encode("utf-8-sig")).reconstruction.id == "a"
    assert "in UTF-8" in refusal(RenderRequest, body.encode("utf-16"))
