"""What every route asks of a request."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import RequestError
from service.http import answers
from service.pipeline.engine import Engine
from service.schemas import photographs as schemas

MEBIBYTE = 1 << 20
Model = TypeVar("Model", bound=schemas.Strict)


class BodyLimit:
    """Refuses a body beyond the limit: by its declared length at once, else while it comes in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            limit = engine_of(scope["app"]).settings.body_limit_mebibytes * MEBIBYTE
        except RequestError as error:
            await answers.refuse(error)(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await answers.refuse(_too_large(limit))(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self.app(scope, limited, send)


def engine_of(app: Starlette) -> Engine:
    """What serves; raises `RequestError` 503 before it is loaded."""
    engine = getattr(app.state, "engine", None)
    if engine is None:
        raise RequestError(503, "not_ready", "the model is being loaded: send again", 5)
    return engine


def validated(model: type[Model], body: str | bytes) -> Model:
    """JSON as a model; raises `RequestError` 422 naming the fields that are wrong."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc']) or 'body'}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)[:5]
        )
        raise RequestError(422, "invalid_request", problems) from error


def require_content_type(request: Request, wanted: str) -> None:
    """Raise `RequestError` 415 where the body is of another kind."""
    got = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if got != wanted:
        raise RequestError(
            415, "wrong_content_type", f"content type is {got[:80]!r}; it must be {wanted}"
        )


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body; raises `RequestError` 413 beyond `limit` bytes."""
    chunks: list[bytes] = []
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> RequestError:
    return RequestError(
        413,
        "body_too_large",
        f"the body is larger than {limit // MEBIBYTE} MiB: send fewer or smaller images",
    )
