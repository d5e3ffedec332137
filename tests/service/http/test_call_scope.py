"""The middleware around a small application of its own, spoken to in ASGI."""

import asyncio
import json
import logging
from types import SimpleNamespace

import pytest
from starlette.responses import StreamingResponse

from service import logs
from service.call import CALL, Call
from service.errors import DeadlineExceeded
from service.http.call_scope import CallScope, Refusals, TimeLimit
from service.settings import Settings
from service.siblings import Column, Siblings


class Client:
    """Sends a body in chunks, then stays or goes; keeps what it is answered."""

    def __init__(self, *chunks, headers=(), leaves=False, stalls=False):
        self.headers = [(b"host", b"test"), *headers]
        self.incoming = [
            {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
            for number, chunk in enumerate(chunks, 1)
        ]
        self.leaves, self.stalls = leaves, stalls
        self.sent = []

    async def receive(self):
        if self.incoming:
            message = self.incoming.pop(0)
            if self.stalls:
                message["more_body"] = True
            return message
        if self.leaves:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()

    async def send(self, message):
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]

    def header(self, name):
        return dict(self.sent[0]["headers"])[name].decode()


async def read(receive):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def echo(scope, receive, send):
    body = await read(receive)
    CALL.get().items["ok"] += 2
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def call(client, app, siblings=None, **settings):
    engine = SimpleNamespace(settings=Settings(**settings), siblings=siblings or Siblings())
    scope = {
        "type": "http", "method": "POST", "path": "/v1/echo", "headers": client.headers,
        "app": SimpleNamespace(state=SimpleNamespace(engine=engine), routes=[]),
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(CallScope(app)(scope, client.receive, client.send), 10))


@pytest.fixture
def lines(caplog, monkeypatch):
    monkeypatch.setattr(logs.REQUESTS, "propagate", True)
    caplog.set_level(logging.INFO, logs.REQUESTS.name)
    return lambda: [json.loads(logs.JsonLine(1).format(record)) for record in caplog.records]


def test_a_call_has_one_line_of_json_with_its_id(lines):
    client = Client(b"ab", b"cd", headers=[(b"x-request-id", b"order-7")])
    call(client, echo)
    assert (client.status, client.header(b"x-request-id")) == (200, "order-7")
    (line,) = lines()
    assert line.pop("milliseconds") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "request": "order-7", "method": "POST", "path": "/v1/echo", "status": 200,
        "worker": 1, "bytes_in": 4, "bytes_out": 4, "images": {"ok": 2},
    }  # fmt: skip


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, b'"}\n{"status": 200', b"\xff"])
def test_an_id_that_is_not_plain_is_replaced(given, lines):
    client = Client(b"", headers=[(b"x-request-id", given)])
    call(client, echo)
    assert len(client.header(b"x-request-id")) == 32
    assert lines()[0]["request"] == client.header(b"x-request-id")


def test_a_client_that_goes_away_ends_its_call(lines):
    ended = []

    async def never_answers(scope, receive, send):
        await read(receive)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    client = Client(b"x", leaves=True)
    call(client, never_answers)
    assert ended == [True]
    assert client.sent == []
    assert lines()[0]["status"] == 499


def test_who_goes_away_with_the_whole_answer_has_not_broken_off(lines):
    class Answered(Client):
        """Goes when it has the last of the answer, which is what a server tells of every client."""

        def __init__(self):
            super().__init__(b"x")
            self.left = asyncio.Event()

        async def receive(self):
            if self.incoming:
                return await super().receive()
            await self.left.wait()
            return {"type": "http.disconnect"}

        async def send(self, message):
            await super().send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self.left.set()

    ended = []

    async def answers_and_tidies_up(scope, receive, send):
        await echo(scope, receive, send)
        await asyncio.sleep(0.05)
        ended.append(True)

    call(Answered(), answers_and_tidies_up)
    assert ended == [True]
    assert lines()[0]["status"] == 200


def test_a_body_that_does_not_come_is_answered_408(lines):
    client = Client(b"x", stalls=True)
    call(client, Refusals(echo), body_seconds=1)
    assert client.status == 408
    body = json.loads(client.sent[1]["body"])
    assert body["error"]["code"] == "body_too_slow"
    assert "after 1 s" in body["error"]["message"]
    assert lines()[0]["status"] == 408


def test_a_stream_ends_when_its_client_goes_away(lines):
    running = set()

    async def endless():
        running.add("stream")
        try:
            while True:
                yield b"line"
                await asyncio.sleep(0.001)
        finally:
            running.discard("stream")

    async def streams(scope, receive, send):
        await read(receive)
        await StreamingResponse(endless())(scope, receive, send)

    call(Client(b"x", leaves=True), streams)
    assert not running
    assert len(lines()) == 1


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("", 120), ("wait=5", 5), ("respond-async, wait=10", 10), ("wait=900", 120), ("wait=-1", 120)],
)
def test_a_client_may_ask_for_a_shorter_deadline(prefer, seconds):
    async def remaining():
        made = Call("POST", "/v1/reconstruct", {"prefer": prefer}, 120)
        return made.deadline - asyncio.get_running_loop().time()

    assert asyncio.run(remaining()) == pytest.approx(seconds, abs=0.5)


def limited(app, seconds=0.05):
    sent = []

    async def send(message):
        sent.append(message["type"])

    asyncio.run(TimeLimit(app, seconds)({"type": "http"}, None, send))
    return sent


def test_a_call_that_has_not_begun_its_answer_in_time_is_ended():
    ended = []

    async def never_answers(scope, receive, send):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(DeadlineExceeded):
        limited(never_answers)
    assert ended == [True]


def test_an_answer_that_has_begun_may_take_longer():
    async def streams(scope, receive, send):
        await send({"type": "http.response.start"})
        await asyncio.sleep(0.15)
        await send({"type": "http.response.body"})

    assert limited(streams) == ["http.response.start", "http.response.body"]


def test_a_timeout_of_the_application_s_own_is_not_taken_for_the_limit():
    async def fails(scope, receive, send):
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        limited(fails)


def test_a_client_connects_anew_where_another_worker_has_less_to_do(tmp_path):
    own, other = (Siblings(2, index, tmp_path) for index in range(2))
    for busy, closed in ((0, False), (1, True)):
        own.set(Column.CALLS, busy)
        client = Client(b"")
        call(client, echo, own)
        assert ((b"connection", b"close") in client.sent[0]["headers"]) == closed
        assert own.own(Column.CALLS) == busy
    other.set(Column.CALLS, 1)
    client = Client(b"")
    call(client, echo, own)
    assert (b"connection", b"close") not in client.sent[0]["headers"]
