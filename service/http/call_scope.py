"""The outer middlewares: what holds for a call from its first byte to its last, and its time."""

import asyncio
import logging
import math

from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import logs, metrics, tracing
from service.call import CALL, ID_HEADER, Call, inside
from service.errors import INTERNAL_ERROR, DeadlineExceeded, RequestError
from service.http import answers
from service.siblings import Column, Siblings

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

CLIENT_GONE = 499
"""nginx's status for a client that did not wait; stands only in the log and the metrics."""
OTHER = "/v1/{path:path}"
"""The route of calls that have none, in the metrics."""
FAILED = 500
"""The status of an answer that failed, also of one that had begun or could not be given."""


class Body:
    """The request's body as it comes in, and the news that its client has gone away."""

    def __init__(self, receive: Receive, call: Call, seconds: float) -> None:
        """The running task is cancelled when the client goes away after sending all, unanswered.

        `seconds`: in which the whole body has to be here.
        """
        self.gone = False
        self.answered = False
        """Set when the last of the answer is sent: who goes away now has got it."""
        self._receive = receive
        self._call = call
        self._seconds = seconds
        self._until = asyncio.get_running_loop().time() + seconds
        task = asyncio.current_task()
        assert task is not None  # ASGI applications run in one
        self.answering = task
        """Cancelled when the client goes away."""
        self._leaving: asyncio.Task[None] | None = None
        """Waits for that, once the body is complete."""

    async def receive(self) -> Message:
        """ASGI; raises `RequestError` 408 where the body takes too long."""
        if self._leaving is not None:
            await asyncio.shield(self._leaving)
            return {"type": "http.disconnect"}
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise RequestError(
                408,
                "body_too_slow",
                f"the body was not complete after {math.ceil(self._seconds)} s: "
                "send fewer or smaller images",
            ) from None
        self._call.bytes_in += len(message.get("body", b""))
        if message["type"] == "http.disconnect":
            self.gone = True
        elif not message.get("more_body", False):
            self._leaving = asyncio.create_task(self._end_when_gone())
        return message

    def close(self) -> None:
        """Wait for nothing more."""
        if self._leaving is not None:
            self._leaving.cancel()

    async def _end_when_gone(self) -> None:
        while not self.gone:
            self.gone = (await self._receive())["type"] == "http.disconnect"
        if not self.answered:
            self.answering.cancel()


class CallScope:
    """Gives each call its `Call`, ends it when its client goes away, logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        engine = getattr(scope["app"].state, "engine", None) if scope["type"] == "http" else None
        if engine is None:
            await self.app(scope, receive, send)
            return
        settings, siblings = engine.settings, engine.siblings
        method, path = scope["method"], scope["path"]
        headers = _texts(scope["headers"])
        call = Call(method, path, headers, settings.deadline_seconds)
        siblings.set(Column.CALLS, siblings.own(Column.CALLS) + 1)
        try:
            with inside(CALL, call), tracing.request_span(method, path, headers, call.id) as span:
                body = Body(receive, call, settings.body_seconds)
                await self._answer(call, scope, body, _elsewhere(siblings, send))
                span.set_attribute("http.response.status_code", call.status or FAILED)
        except Exception:
            # The answer had begun, and the server breaks it off.
            call.status = FAILED
            raise
        finally:
            siblings.set(Column.CALLS, siblings.own(Column.CALLS) - 1)
            call.status = call.status or FAILED
            metrics.count_request(_route(scope), call.status, call.seconds())
            logs.REQUESTS.info("%s %s", method, path, extra=call.line())

    async def _answer(self, call: Call, scope: Scope, body: Body, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                message["headers"] = [*message["headers"], (ID_HEADER.encode(), call.id.encode())]
            call.bytes_out += len(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                body.answered = True
            await send(message)

        try:
            await self.app(scope, body.receive, counted)
        except (asyncio.CancelledError, ClientDisconnect):
            if not body.gone:
                raise
            # Cancelling took the call's items out of the queues.
            body.answering.uncancel()
            call.status = CLIENT_GONE
        finally:
            if call.status is None and body.gone:
                call.status = CLIENT_GONE
            body.close()


def _elsewhere(siblings: Siblings, send: Send) -> Send:
    """Sends, and has a client connect anew where another process has less to do.

    A connection stays with the process that took it, and at first one may take most of them.
    """

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start" and siblings.overburdened():
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return send if siblings.count == 1 else sent


def _texts(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """By name; the lines of a header that came more than once are one list."""
    texts: dict[str, str] = {}
    for name, value in ((n.decode("latin-1"), v.decode("latin-1")) for n, v in headers):
        texts[name] = f"{texts[name]}, {value}" if name in texts else value
    return texts


def _route(scope: Scope) -> str:
    """The path of the call's route, also where it was refused before that was looked for."""
    routes = scope["app"].routes
    found = scope.get("route")
    if found not in routes:  # none, or the one by which this application is mounted
        found = next((one for one in routes if one.matches(scope)[0] == Match.FULL), None)
    return getattr(found, "path", OTHER)


class Refusals:
    """Answers every error that comes this far, those that nobody foresaw too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; raises what cannot be answered: the client has gone, or its answer has begun."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except ClientDisconnect:
            raise
        except Exception as error:
            refusal = error if isinstance(error, RequestError) else _unforeseen(scope)
            if begun:
                raise
            await answers.refuse(refusal)(scope, receive, send)


def _unforeseen(scope: Scope) -> RequestError:
    """For the client; the log gets the error itself, which is being handled."""
    call = CALL.get()
    identity = "" if call is None else call.id
    path = ascii(scope["path"][:200])  # it may hold line ends, and what a terminal obeys
    logger.exception("%s %s failed, request %s", scope["method"], path, identity)
    message = "the service failed on this request: send it again, or ask with its X-Request-Id"
    return RequestError(500, INTERNAL_ERROR, message)


class TimeLimit:
    """Ends a call that has not begun its answer in time."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; raises `DeadlineExceeded`."""
        limit = asyncio.timeout(self.seconds)

        async def begun(message: Message) -> None:
            limit.reschedule(None)
            await send(message)

        try:
            async with limit:
                await self.app(scope, receive, begun)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded from None
