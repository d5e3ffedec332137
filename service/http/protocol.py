"""What the server reads from a connection, with limits for clients that are slow or send no end.

Uvicorn keeps the head of a request in memory, however large it grows, and waits for it without end.
It waits as long for a client that takes nothing of its answer, and cannot stop meanwhile.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

import uvicorn.config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service import metrics
from service.settings import read_settings

LARGEST_HEAD = 1 << 16
"""Bytes of a request's first line and headers."""
PIECE = 1 << 12
"""Bytes of a head that are read before its size is looked at again."""


def serve_by_this() -> None:
    """Have every server that is configured from here on in this process read by `Connection`."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{Connection.__name__}"


class Connection(HttpToolsProtocol):
    """One client's: its heads have a size and a time, and answers that nobody takes an end."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        """`arguments`: uvicorn's."""
        super().__init__(*arguments, **keywords)
        self._seconds = read_settings().stall_seconds
        self._head: int | None = 0
        """Bytes of the head so far; None: it is complete, and the body is on its way."""
        self._late: asyncio.TimerHandle | None = None
        """Ends the wait for the head."""
        self._stalled: asyncio.TimerHandle | None = None
        """Looks whether the client has taken some of the answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """The client is there."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        for timer in (self._late, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of requests; answered 431 where a head grows too large."""
        while self._head is not None and data and not self.transport.is_closing():
            size = min(PIECE, LARGEST_HEAD + 1 - self._head)
            piece, data = data[:size], data[size:]
            self._head += len(piece)
            super().data_received(piece)
            if self._head is not None and self._head > LARGEST_HEAD:
                self._refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    "headers_too_large",
                    f"address and headers are larger than {LARGEST_HEAD >> 10} KiB: send less of "
                    "them, and options in the body",
                )
        if data and not self.transport.is_closing():
            super().data_received(data)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._head = None
        if self._late is not None:
            self._late.cancel()
            self._late = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is complete; what comes next is another request's head."""
        super().on_message_complete()
        self._head = 0

    def pause_writing(self) -> None:
        """The client takes the answer more slowly than it comes."""
        super().pause_writing()
        self._look_later()

    def resume_writing(self) -> None:
        """It has taken most of what waited."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as everything is refused; `msg`: uvicorn's words."""
        message = f"{msg} Send HTTP/1.1 with one of its methods"
        self._refuse(HTTPStatus.BAD_REQUEST, "malformed_http", message)

    def _wait_for_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self._seconds, self._too_late)

    def _too_late(self) -> None:
        self._late = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_for_head()  # sent ahead of an answer that is still on its way
        elif not self._head:
            self.transport.close()  # nothing was asked
        else:
            message = f"the headers were not complete after {self._seconds} s: send them again"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "headers_too_slow", message)

    def _look_later(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._stalled = self.loop.call_later(self._seconds, self._end_if_stalled, waiting)

    def _end_if_stalled(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._look_later()
        else:
            self.transport.abort()  # closed otherwise, it would wait for the rest to be taken

    def _refuse(self, status: HTTPStatus, code: str, message: str) -> None:
        metrics.REFUSALS.labels(code).inc()
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
