"""Against a real server: 64 images, one of them a poison."""

import io
import pickle
import socket

import httpx
import numpy as np
import pytest

from tests.service.poisons import Detonator, npz_of, poisons, zip_bomb
from tests.service.requests import http, jpeg, text64

pytestmark = pytest.mark.server

POISONS = poisons()


@pytest.fixture
def server(hardy_server):
    return hardy_server


@pytest.fixture(scope="module")
def good():
    return jpeg()


def post(server, files, **options):
    return http.post(f"{server.address}/v1/reconstruct", files=files, timeout=60, **options)


def batch(good, poison, count=15):
    """The poison stands in the middle."""
    files = [("images", (f"{i}.jpg", good, "image/jpeg")) for i in range(count)]
    files.insert(count // 2, poison)
    return files


def refusal(answer, status):
    assert answer.status_code == status, answer.text[:500]
    error = answer.json()["error"]
    assert error["code"] and error["message"]
    return error["code"]


@pytest.mark.parametrize(
    ("name", "others"), [(name, 7) for name in POISONS] + [("damaged-png", 63)]
)
def test_all_others_become_meshes_and_one_a_clear_error(server, good, name, others):
    content, kind, codes = POISONS[name]
    answer = post(server, batch(good, ("images", (f"poison.{name}", content, kind)), others))
    assert answer.status_code in (200, 207), answer.text[:500]
    entries, middle = answer.json()["images"], others // 2
    assert len(entries) == others + 1
    assert [entry["index"] for entry in entries if entry["status"] != "ok"] in ([middle], [])
    poisoned = entries[middle]
    code = "ok" if poisoned["status"] == "ok" else poisoned["error"]["code"]
    assert code in codes
    if code != "ok":
        assert 10 < len(poisoned["error"]["message"]) < 500
    assert all(entry["mesh"]["data"] for entry in entries if entry["index"] != middle)


def test_a_text_part_is_no_address(server, good):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/photograph.jpg"
        answer = post(server, batch(good, ("images", (None, url.encode()))))
        with pytest.raises(TimeoutError):
            listener.accept()
    failed = [entry for entry in answer.json()["images"] if entry["status"] == "error"]
    assert answer.status_code == 207
    assert [entry["error"]["code"] for entry in failed] == ["not_a_file"]


@pytest.mark.parametrize(
    "name", ["../../../../etc/passwd", "/etc/passwd", "..\\..\\a.jpg", "a\x00.jpg", "x" * 1000]
)
def test_a_name_is_a_label_and_no_path(server, good, name):
    answer = post(server, [("images", (name, good, "image/jpeg"))])
    (entry,) = answer.json()["images"]
    assert answer.status_code == 200
    assert entry["status"] == "ok"
    assert len(entry["name"]) <= 255
    assert b"root:" not in answer.content


def test_a_part_with_an_endless_name_is_refused(server, good):
    answer = post(server, [("images", ("x" * 5000, good, "image/jpeg"))])
    assert refusal(answer, 400) == "malformed_multipart"


def test_duplicate_names_are_two_images(server, good):
    answer = post(server, [("images", ("a.jpg", good))] * 2)
    assert [entry["index"] for entry in answer.json()["images"]] == [0, 1]
    assert answer.status_code == 200


def test_an_unknown_field_is_refused(server, good):
    answer = post(server, batch(good, ("picture", ("a.jpg", good))))
    assert refusal(answer, 400) == "unknown_field"


def test_more_than_a_thousand_parts_are_refused(server):
    answer = post(server, [("images", (f"{i}.jpg", b"")) for i in range(1100)])
    refusal(answer, 400)


def test_a_body_of_300_megabytes_is_refused(server):
    def chunks():
        yield b"--b\r\nContent-Disposition: form-data; name=images; filename=a\r\n\r\n"
        for _ in range(300):
            yield bytes(1_000_000)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    try:
        answer = http.post(
            f"{server.address}/v1/reconstruct", content=chunks(), headers=headers, timeout=60
        )
    except httpx.WriteError:  # refused and closed while the client was still sending
        return
    assert refusal(answer, 413) == "body_too_large"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/vnd.bentoml+pickle", pickle.dumps(Detonator()), 415),
        ("multipart/form-data", b"no boundary", 400),
        ("multipart/form-data; boundary=b", b"--b\r\nnonsense", 400),
        ("application/json", b"{}", 415),
    ],
)
def test_another_body_than_a_form_is_refused(server, kind, body, status):
    answer = http.post(
        f"{server.address}/v1/reconstruct", content=body, headers={"Content-Type": kind}
    )
    refusal(answer, status)


@pytest.mark.parametrize(
    "content",
    [
        npz_of(vertices=np.full((42, 3), np.nan, np.float32)),
        npz_of(vertices=np.array([Detonator()], object)),
        zip_bomb(),
        b"PK\3\4 and nothing more",
    ],
    ids=["nan", "pickled", "bomb", "cut"],
)
def test_an_archive_that_is_no_reconstruction_is_refused(server, content):
    reconstruction = {"npz": text64(content)}
    answer = http.post(
        f"{server.address}/v1/render",
        json={"reconstruction": reconstruction, "cameras": [{}]},
        timeout=60,
    )
    refusal(answer, 422)


def test_numbers_of_a_real_archive_may_not_be_undefined(server, good):
    answer = post(server, [("images", ("a.jpg", good))], data={"format": "npz"})
    import base64

    own = np.load(io.BytesIO(base64.b64decode(answer.json()["images"][0]["mesh"]["data"])))
    arrays = {name: own[name] for name in own.files}
    arrays["vertices"] = np.full_like(arrays["vertices"], np.nan)
    answer = http.post(
        f"{server.address}/v1/render", json={"reconstruction": {"npz": text64(npz_of(**arrays))}}
    )
    refusal(answer, 422)


def test_slow_clients_are_ended_and_harm_no_other(server, good):
    """Half of them stop within the header, half within the body."""
    host, port = server.address.removeprefix("http://").split(":")
    start = b"POST /v1/reconstruct HTTP/1.1\r\nHost: a\r\n"
    form = b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n\r\n--b\r\n"
    slow = [socket.create_connection((host, int(port))) for _ in range(50)]
    for number, connection in enumerate(slow):
        connection.sendall(start + (form if number % 2 else b""))
    assert post(server, batch(good, ("images", ("b.jpg", good)))).status_code == 200
    for connection in slow[1::2]:
        connection.settimeout(20)
        assert b" 408 " in connection.recv(4096).splitlines()[0]
    for connection in slow:
        connection.close()


def test_after_all_this_a_photograph_becomes_a_mesh(server, good):
    answer = post(server, [("images", ("a.jpg", good))])
    assert answer.json()["succeeded"] == 1
    line = server.request_line(answer.headers["x-request-id"])
    assert (line["status"], line["images"]) == (200, {"ok": 1})
