"""Bodies that are cut short, begin oddly or are packed: refused in words, or read as meant.

Reports of the kind: python-multipart takes a form without its closing boundary for a whole one, and
the last part is gone (Kludex/python-multipart, `finalize`).
"""

import gzip
import json
from tempfile import TemporaryFile

import pytest

from service.http import parts
from tests.service.requests import jpeg, png
from tests.service.small_bundle import draw_photograph

TYPE = {"content-type": "multipart/form-data; boundary=edge"}
PATHS = ["/v1/reconstruct", "/v1/jobs", "/v1/edit"]


def part(name, content, file=None, more=b""):
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if file is not None:
        disposition += f'; filename="{file}"'
    return b"--edge\r\n" + disposition.encode() + b"\r\n" + more + b"\r\n" + content + b"\r\n"


def photograph(path):
    return part("image" if path == "/v1/edit" else "images", jpeg(), "a.jpg")


def whole(path):
    """Parts that are accepted."""
    more = part("changes", b'{"turn_degrees": 30}') if path == "/v1/edit" else b""
    return photograph(path) + more


def send(client, path, content, headers=TYPE):
    return client.post(path, content=content, headers=headers)


def refusal(answer, status=400):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    return error["code"], error["message"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "end", [b"", b"--edge", b"--edge-", b"--edge\r\n"], ids=["none", "open", "half", "next"]
)
def test_a_form_without_its_closing_boundary_is_refused(client, path, end):
    code, message = refusal(send(client, path, whole(path) + end))
    assert code == "malformed_multipart"
    assert "'--edge--'" in message and "send all of it again" in message
    assert send(client, path, whole(path) + b"--edge--").status_code in (200, 202)


@pytest.mark.parametrize(
    "last",
    [
        part("images", jpeg(), "b.jpg"),
        part("masks", png(draw_photograph().convert("L")), "a.jpg"),
        part("format", b"stl"),
    ],
    ids=["photograph", "mask", "option"],
)
def test_no_last_part_is_lost(client, last):
    body = photograph("/v1/reconstruct") + last
    for cut in (0, 2, len(last) - 60):  # whole, without its line end, within its content or headers
        code, _ = refusal(send(client, "/v1/reconstruct", body[: len(body) - cut]))
        assert code == "malformed_multipart"
    assert send(client, "/v1/reconstruct", body + b"--edge--\r\n").status_code == 200


def test_what_stands_before_the_first_boundary_and_after_the_last_is_let_be(client):
    body = whole("/v1/reconstruct") + b"--edge--\r\nan epilogue"
    for preamble in (b"", b"\r\n", b"This is a form\r\nin MIME --edge format.\r\n", b"-" * 99_999):
        start = preamble + b"\r\n" if preamble else b""
        answer = send(client, "/v1/reconstruct", start + body)
        assert answer.status_code == 200, answer.text
        # A byte at a time around the first boundary.
        pieces = [bytes([byte]) for byte in start[-30:] + body[:60]]
        pieces = iter([start[:-30], *pieces, body[60:]])
        assert send(client, "/v1/reconstruct", pieces).status_code == 200


def test_a_body_without_any_boundary_is_told_so(client):
    for body in (b"", b"junk", b"--other\r\n\r\n--other--\r\n", b"x--edge--"):
        code, message = refusal(send(client, "/v1/reconstruct", body))
        assert code == "malformed_multipart"
        assert "No line of the body is the boundary '--edge'" in message


@pytest.mark.parametrize("header", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_header_without_a_boundary_is_told_so(client, header):
    headers = {"content-type": header}
    code, message = refusal(send(client, "/v1/reconstruct", b"--edge--", headers))
    assert code == "malformed_multipart" and "Content-Type has no boundary" in message


@pytest.mark.parametrize("path", [*PATHS, "/v1/render"])
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
def test_a_packed_body_is_refused_as_what_it_is(client, path, coding):
    is_json = path == "/v1/render"
    body = json.dumps({"reconstruction": {"seed": 1}}).encode() if is_json else whole(path)
    headers = {"content-type": "application/json"} if is_json else TYPE
    answer = send(client, path, gzip.compress(body), {**headers, "content-encoding": coding})
    code, message = refusal(answer, 415)
    assert code == "wrong_content_encoding"
    assert repr(coding) in message and "as it is" in message
    assert answer.headers["accept-encoding"] == "identity"


def test_a_body_that_is_said_to_be_unpacked_is_read(client):
    headers = {**TYPE, "content-encoding": "Identity"}
    body = whole("/v1/reconstruct") + b"--edge--"
    assert send(client, "/v1/reconstruct", body, headers).status_code == 200


def test_a_file_named_by_the_extended_parameter_alone_is_told_so(client):
    named = b"Content-Disposition: form-data; name=\"images\"; filename*=UTF-8''%C3%A4.jpg"
    body = b"--edge\r\n" + named + b"\r\n\r\n" + jpeg() + b"\r\n--edge--"
    code, message = refusal(send(client, "/v1/reconstruct", body))
    assert code == "malformed_multipart"
    assert "filename*" in message and "send filename in UTF-8" in message
    # Beside a plain one it is passed over, and within a name it is none.
    both = body.replace(b"filename*", b'filename="a; filename*=b.jpg"; filename*')
    answer = send(client, "/v1/reconstruct", both)
    assert answer.json()["images"][0]["name"] == "a; filename*=b.jpg"


def test_a_part_that_is_encoded_is_told_so(client):
    for encoding, fine in ((b"base64", False), (b"Binary", True), (b"quoted-printable", False)):
        more = b"Content-Transfer-Encoding: " + encoding + b"\r\n"
        body = part("images", jpeg(), "a.jpg", more) + b"--edge--"
        answer = send(client, "/v1/reconstruct", body)
        if fine:
            assert answer.status_code == 200
        else:
            code, message = refusal(answer)
            assert code == "malformed_multipart"
            assert encoding.decode() in message and "must be binary" in message


def test_the_files_of_a_form_that_is_cut_short_are_closed(client, monkeypatch):
    opened = []

    def watched():
        opened.append(TemporaryFile())
        return opened[-1]

    monkeypatch.setattr(parts, "TemporaryFile", watched)
    large = [part("images", bytes(3 << 19), f"{name}.jpg") for name in "bc"]  # on disk
    refusal(send(client, "/v1/reconstruct", photograph("/v1/reconstruct") + b"".join(large)))
    assert [file.closed for file in opened] == [True, True]
