"""Headers that come in several lines, in any case, and with numbers out of range.

Reports of the kind: frameworks read the first or the last line of a header and drop the others;
names of `Prefer` are compared with their case; a weight of `nan` or 7 is taken for a number.
"""

import pytest

from service.errors import RequestError
from service.http.answers import LINES, choose
from service.http.idempotency import KEY_HEADER
from tests.service.requests import jpeg

GLB = "model/gltf-binary"


def send(client, *headers, path="/v1/reconstruct"):
    return client.post(path, files={"images": ("a.jpg", jpeg())}, headers=headers)


def test_several_lines_of_accept_are_one_list(client):
    answer = send(client, ("accept", "text/html"), ("accept", GLB))
    assert answer.headers["content-type"] == GLB, answer.text
    answer = send(client, ("accept", f"{GLB};q=0.1"), ("accept", LINES))
    assert answer.headers["content-type"].startswith(LINES)


@pytest.mark.parametrize("weight", ["7", "1.5", "nan", "inf", "-1", "1e-1", "1_0", "", "x"])
def test_a_weight_is_between_0_and_1(weight):
    with pytest.raises(RequestError) as caught:
        choose(f"{GLB};q={weight}, application/json;q=0.5", (GLB, "application/json"))
    assert (caught.value.status, caught.value.code) == (400, "invalid_accept")


@pytest.mark.parametrize(("weight", "chosen"), [("0", 1), ("0.", 1), (".9", 0), ("1.000", 0)])
def test_weights_of_any_form(weight, chosen):
    offered = (GLB, "application/json")
    assert choose(f"{GLB};q={weight}, application/json;q=0.5", offered) == offered[chosen]


@pytest.mark.parametrize(
    "lines", [["wait=0"], ["Wait=0"], ["respond-async", "WAIT = 0"], ["wait=0", "handling=strict"]]
)
def test_the_time_a_client_gives_is_read_from_any_line(client, lines):
    answer = send(client, *(("prefer", line) for line in lines))
    assert answer.json()["images"][0]["error"]["code"] == "deadline_exceeded"


def test_two_ids_or_keys_are_not_one_of_them(client):
    answer = send(client, ("x-request-id", "a"), ("x-request-id", "b"))
    assert answer.headers["x-request-id"] not in ("a", "b")
    answer = send(client, (KEY_HEADER, "a"), (KEY_HEADER, "b"), path="/v1/jobs")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_header"


def test_two_codings_are_not_the_first_of_them(client):
    answer = send(client, ("content-encoding", "identity"), ("content-encoding", "gzip"))
    assert answer.status_code == 415
