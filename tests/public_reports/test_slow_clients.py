"""Clients that send no end of headers, none in time, or take nothing of what they are answered.

Reports of the kind: uvicorn with httptools keeps headers of any size in memory and waits for them
without end; a client that reads nothing holds its request, and the server cannot stop. That the
service has these limits and stops is looked at in `tests/service/test_drain.py`.
"""

import json
import socket
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
import uvicorn

from service.http.protocol import Connection

HEAD = b"GET /v1/model HTTP/1.1\r\nHost: a\r\n"
MEBIBYTES = 16
"""Of an answer: more than the buffers of both systems hold."""


class Application:
    """Answers with what it was sent, or with a lot; notes how that ended."""

    def __init__(self):
        self.gone = threading.Event()

    async def __call__(self, scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/large":
            body = bytes(MEBIBYTES << 20)
        if scope["path"] == "/parts":
            for _ in range(MEBIBYTES):
                part = {"type": "http.response.body", "body": bytes(1 << 20), "more_body": True}
                await send(part)
        await send({"type": "http.response.body", "body": body})
        if (await receive())["type"] == "http.disconnect":
            self.gone.set()


@pytest.fixture(scope="module")
def application():
    return Application()


@pytest.fixture(scope="module")
def address(application):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INVERSE_GRAPHICS_STALL_SECONDS", "1")
        config = uvicorn.Config(application, port=0, http=Connection, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def connect(address, receive_buffer=None):
    with socket.socket() as opened:
        if receive_buffer:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        opened.settimeout(20)
        opened.connect(address)
        yield opened


def all_of(connection, pause=0.0):
    """Status and body of an answer that ends with its connection; None: there is none."""
    content = bytearray()
    while more := connection.recv(1 << 19):
        content += more
        time.sleep(pause)
    head, _, body = content.partition(b"\r\n\r\n")
    return (int(head.split()[1]), body) if content else None


def code_of(answer):
    status, body = answer
    return status, json.loads(body)["error"]["code"]


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X-A: " + b"a" * (1 << 17),
        HEAD + b"".join(b"X-%d: b\r\n" % number for number in range(20_000)),
        b"GET /v1/model?" + b"a" * (1 << 17),
    ],
    ids=["one", "many", "address"],
)
def test_a_head_has_a_size(address, head):
    with connect(address) as connection:
        connection.sendall(head[:65_000])
        connection.sendall(head[65_000 : (1 << 16) + 1])
        assert code_of(all_of(connection)) == (431, "headers_too_large")


def test_a_head_just_within_it_is_read_and_so_is_the_next(address):
    url = f"http://{address[0]}:{address[1]}/"
    body = b"x" * (1 << 18)
    with httpx.Client(headers={"x-a": "a" * 65_000}) as client:
        for content in (b"", body, b"", body):
            answer = client.post(url, content=content)
            assert (answer.status_code, answer.content) == (200, content)


@pytest.mark.parametrize("sent", [b"", b"GET /v1/mo", HEAD])
def test_a_head_has_a_time(address, sent):
    with connect(address) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        answer = all_of(connection)
        assert 0.5 < time.monotonic() - began < 5
    assert answer is None if not sent else code_of(answer) == (408, "headers_too_slow")


def test_so_has_that_of_the_next_request(address):
    with connect(address) as connection:
        connection.sendall(HEAD + b"\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
        connection.sendall(HEAD)
        assert code_of(all_of(connection)) == (408, "headers_too_slow")


def test_what_is_no_http_is_refused_in_json(address):
    with connect(address) as connection:
        connection.sendall(b"HELO mail\r\n\r\n")
        assert code_of(all_of(connection)) == (400, "malformed_http")


@pytest.mark.parametrize("path", [b"/large", b"/parts"])
def test_who_takes_nothing_of_an_answer_has_gone_away(address, application, path):
    application.gone.clear()
    with connect(address, receive_buffer=4096) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert application.gone.wait(5)


@pytest.mark.parametrize("path", [b"/large", b"/parts"])
def test_who_takes_it_slowly_gets_all_of_it(address, path):
    with connect(address, receive_buffer=1 << 18) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        began = time.monotonic()
        status, body = all_of(connection, pause=0.05)
        assert time.monotonic() - began > 1  # longer than an untaken answer may wait
    assert status == 200 and len(body) >= MEBIBYTES << 20
