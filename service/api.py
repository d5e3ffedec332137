"""The HTTP service: with service.form and service.answers all that knows HTTP.

    bentoml serve service.api:InverseGraphics

POST /v1/reconstruct   photographs (multipart) → meshes, cameras, masks
POST /v1/render        a reconstruction and cameras (JSON) → PNGs
GET  /v1/model         the manifest of the bundle
GET  /livez /readyz /metrics   BentoML's, with this service's readiness and metrics
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import bentoml
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphics.camera import CONVENTION
from service import (
    accept,
    answers,
    bundle,
    form,
    reconstruction,
    render_schemas,
    rendering,
    schemas,
    store,
)
from service.engine import Engine
from service.errors import ItemError, RequestError
from service.openapi import DocumentedService
from service.reconstruction import INTERNAL_ERROR, Options, Upload
from service.session import choose_provider
from service.settings import REQUEST_TIMEOUT_SECONDS, read_settings

MEBIBYTE = 1 << 20


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
            limit = _engine(scope["app"]).settings.body_limit_mebibytes * MEBIBYTE
        except RequestError as error:
            await _refuse(error)(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await _refuse(_too_large(limit))(scope, receive, send)
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


async def reconstruct(request: Request) -> Response:
    """POST /v1/reconstruct."""
    engine = _engine(request.app)
    engine.check_room(1)
    kind = accept.choose(request.headers.get("accept"), answers.KINDS)
    _require_content_type(request, "multipart/form-data")
    largest = engine.settings.largest_request
    async with AsyncExitStack() as held:
        # A mask for every image, and images sent as text.
        parts = await form.open_form(request, 2 * largest, largest + len(form.FIELDS))
        held.push_async_callback(parts.close)
        uploads, options = form.read_form(parts, largest)
        held.enter_context(engine.admit(len(uploads)))
        if kind == answers.LINES:
            return answers.Stream(_lines(engine, uploads, options), held.pop_all())
        entries = await asyncio.gather(*_answering(engine, uploads, options))
        answer, status = _whole(entries)
        return await engine.in_pool(answers.pack, kind, answer, status)


async def render(request: Request) -> Response:
    """POST /v1/render."""
    engine = _engine(request.app)
    engine.check_room(1)
    _require_content_type(request, "application/json")
    body = await _read_body(request, engine.settings.json_limit_mebibytes * MEBIBYTE)
    try:
        wanted = render_schemas.RenderRequest.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc']) or 'body'}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)[:5]
        )
        raise RequestError(422, "invalid_request", problems) from error
    return _json(await rendering.render(engine, wanted), 200)


async def model(request: Request) -> Response:
    """GET /v1/model."""
    engine = _engine(request.app)
    answer = schemas.ModelAnswer(
        manifest=engine.manifest.as_json(),
        licence=dict(engine.manifest.licence),
        metrics=dict(engine.manifest.metrics),
        camera_convention=CONVENTION,
        providers={runner.graph: runner.session.provider for runner in engine.runners},
    )
    return _json(answer, 200)


async def refused(_: Request, error: Exception) -> Response:
    """Any error raised on purpose, as JSON."""
    assert isinstance(error, RequestError)
    return _refuse(error)


async def item_refused(_: Request, error: Exception) -> Response:
    """An item's error outside a batch, as JSON."""
    assert isinstance(error, ItemError)
    return _refuse(RequestError(422, error.code, error.message))


routes = Starlette(
    routes=[
        Route("/v1/reconstruct", reconstruct, methods=["POST"]),
        Route("/v1/render", render, methods=["POST"]),
        Route("/v1/model", model, methods=["GET"]),
    ],
    middleware=[Middleware(BodyLimit)],
    exception_handlers={RequestError: refused, ItemError: item_refused},
)


@bentoml.service(
    name="inverse-graphics",
    service_class=DocumentedService,
    workers=1,
    traffic={"timeout": REQUEST_TIMEOUT_SECONDS},
)
@bentoml.asgi_app(routes)
class InverseGraphics:
    """Photographs in, textured 3D meshes with their cameras out."""

    def __init__(self) -> None:
        """Load and warm up; nothing is answered before, so ready means ready."""
        self.engine = Engine(read_settings())
        routes.state.engine = self.engine

    @bentoml.on_deployment
    def verify() -> None:
        """Refuse a bad setting, device or bundle before the server is started."""
        settings = read_settings()
        choose_provider(settings.device)
        bundle.load(store.resolve(settings.bundle))

    @bentoml.on_shutdown
    async def drain(self) -> None:
        """Answer what was accepted."""
        await self.engine.close()

    def __is_ready__(self) -> bool:
        return not self.engine.closed


def _engine(app: Starlette) -> Engine:
    engine = getattr(app.state, "engine", None)
    if engine is None:
        raise RequestError(503, "not_ready", "the model is being loaded: send again", 5)
    return engine


def _answering(
    engine: Engine, uploads: list[Upload], options: Options
) -> list[Coroutine[Any, Any, schemas.ImageAnswer]]:
    return [
        reconstruction.answer(engine, index, upload, options)
        for index, upload in enumerate(uploads)
    ]


async def _lines(engine: Engine, uploads: list[Upload], options: Options) -> AsyncIterator[bytes]:
    """One line per image, as each finishes, and the summary."""
    tasks = [asyncio.ensure_future(one) for one in _answering(engine, uploads, options)]
    succeeded = 0
    try:
        for next_one in asyncio.as_completed(tasks):
            entry = await next_one
            succeeded += entry.status == "ok"
            yield answers.to_json(entry) + b"\n"
        summary = schemas.Summary(succeeded=succeeded, failed=len(tasks) - succeeded)
        yield answers.to_json(summary) + b"\n"
    finally:
        for task in tasks:  # those of a client that has gone away
            task.cancel()


def _whole(entries: list[schemas.ImageAnswer]) -> tuple[schemas.ReconstructAnswer, int]:
    """The answer of a batch, and its HTTP status."""
    failed = [entry for entry in entries if entry.status == "error"]
    answer = schemas.ReconstructAnswer(
        images=entries, succeeded=len(entries) - len(failed), failed=len(failed)
    )
    if not failed:
        return answer, 200
    if len(failed) < len(entries):
        return answer, 207
    ours = all(entry.error is not None and entry.error.code == INTERNAL_ERROR for entry in failed)
    return answer, 500 if ours else 422


def _require_content_type(request: Request, wanted: str) -> None:
    got = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if got != wanted:
        raise RequestError(
            415, "wrong_content_type", f"content type is {got[:80]!r}; it must be {wanted}"
        )


async def _read_body(request: Request, limit: int) -> bytes:
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


def _json(answer: schemas.Strict, status: int) -> Response:
    return Response(answers.to_json(answer), status, media_type=answers.JSON)


def _refuse(error: RequestError) -> JSONResponse:
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    problem: dict[str, Any] = {"error": {"code": error.code, "message": error.message}}
    return JSONResponse(problem, error.status, headers)
