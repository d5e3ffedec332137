"""Against a real server: SIGTERM under load."""

import asyncio
import signal
import socket
from contextlib import contextmanager

import httpx
import pytest

from tests.service.requests import http, jpeg
from tests.service.watched import watched

pytestmark = pytest.mark.server

CLIENTS = 8
IMAGES = 6


def test_every_accepted_request_is_answered_then_the_server_ends_with_0(bundle_folder, tmp_path):
    """A client that went away before holds nothing up, nor does one that takes no answer."""
    key = "a-key-of-sixteen-characters"
    settings = {"api_keys": key, "cors_origins": "https://a.example", "stall_seconds": 5}
    with watched(tmp_path / "home", bundle_folder, **settings) as server:
        assert http.get(f"{server.address}/v1/model").status_code == 401
        for path in ("/readyz", "/metrics"):
            assert http.get(f"{server.address}{path}").status_code == 200
        headers = {"Authorization": f"Bearer {key}"}
        page = http.get(
            f"{server.address}/v1/model", headers={**headers, "Origin": "https://a.example"}
        )
        assert page.headers["access-control-allow-origin"] == "https://a.example"
        assert leave(server, headers)["status"] == 499
        endless = http.get(f"{server.address}/livez", headers={"x-a": "a" * (1 << 16)})
        assert endless.json()["error"]["code"] == "headers_too_large"
        with takes_nothing(server, headers):
            answers, failures = asyncio.run(load_and_stop(server, headers))
            assert server.process.wait(timeout=90) == 0
    assert set(answers.values()) <= {200, 503}
    assert sum(status == 200 for status in answers.values()) >= CLIENTS
    # A connection that was refused was never accepted; of one that was, the log has a line.
    known = server.request_lines()
    assert not failures & set(known)
    assert all(known[identity]["status"] == status for identity, status in answers.items())
    assert key not in server.log()


def leave(server, headers):
    """Go away before the answer; the line of the log."""
    files = [("images", (f"{i}.jpg", jpeg())) for i in range(64)]
    with pytest.raises(httpx.ReadTimeout):
        timeout = httpx.Timeout(30, read=0.05)
        url, headers = f"{server.address}/v1/reconstruct", {**headers, "x-request-id": "leaves"}
        http.post(url, files=files, headers=headers, timeout=timeout)
    return server.request_line("leaves")


@contextmanager
def takes_nothing(server, headers):
    """A client that asks for more than the buffers of both systems hold, and reads none of it."""
    url = httpx.URL(server.address)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET /docs.json HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode()
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        opened.settimeout(20)
        opened.connect((url.host, url.port))
        for _ in range(100):
            opened.sendall(request)
        yield


async def load_and_stop(server, headers):
    """Every request on a connection of its own; (id → status, ids without an answer)."""
    answers, failures, content = {}, set(), jpeg()
    files = [("images", (f"{i}.jpg", content)) for i in range(IMAGES)]

    async def client(number):
        for turn in range(1000):
            identity = f"{number}-{turn}"
            try:
                async with httpx.AsyncClient(timeout=60, verify=False) as opened:
                    answer = await opened.post(
                        f"{server.address}/v1/reconstruct",
                        files=files,
                        headers={**headers, "x-request-id": identity},
                    )
            except httpx.TransportError:
                failures.add(identity)
                return
            answers[identity] = answer.status_code
            if answer.status_code != 200:
                return

    clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    while len(answers) < CLIENTS:
        await asyncio.sleep(0.01)
    server.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*clients)
    return answers, failures
