"""The HTTP service, and the only file that knows HTTP.

    bentoml serve service.api:InverseGraphics

POST /v1/reconstruct   photographs (multipart) → meshes, cameras, masks
POST /v1/render        a reconstruction and cameras (JSON) → PNGs
GET  /v1/model         the manifest of the bundle
GET  /livez /readyz /metrics   BentoML's, with this service's readiness and metrics
"""

from __future__ import annotations

import asyncio

import bentoml
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graphics.camera import CONVENTION
from service import bundle, logs, reconstruction, refusal, rendering, schemas, store
from service.access_control import AccessControl
from service.call_scope import CallScope
from service.engine import Engine
from service.errors import ItemError, RequestError
from service.openapi import DocumentedService
from service.reconstruction import INTERNAL_ERROR, Options, Upload
from service.session import choose_provider
from service.settings import REQUEST_TIMEOUT_SECONDS, read_settings

MEBIBYTE = 1 << 20
FORM_FIELDS = ("images", "format", "texture", "preview")
FORMATS = ("glb", "obj", "npz")
FLAGS = {"true": True, "1": True, "false": False, "0": False}


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
            await refusal.to_response(error)(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await refusal.to_response(_too_large(limit))(scope, receive, send)
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
    _require_content_type(request, "multipart/form-data")
    largest = engine.settings.largest_request
    form_limits = {"max_files": largest, "max_fields": largest + len(FORM_FIELDS)}
    try:
        async with request.form(**form_limits) as form:
            uploads, options = _read_form(form, largest)
            with engine.admit(len(uploads)):
                entries = await asyncio.gather(
                    *(
                        reconstruction.answer(engine, index, upload, options)
                        for index, upload in enumerate(uploads)
                    )
                )
    except HTTPException as error:
        raise RequestError(
            400,
            "malformed_multipart",
            f"{error.detail} Send 1..{largest} files in multipart/form-data field images",
        ) from error
    failed = [entry for entry in entries if entry.status == "error"]
    answer = schemas.ReconstructAnswer(
        images=entries, succeeded=len(entries) - len(failed), failed=len(failed)
    )
    return _json(answer, _status(len(entries), failed))


async def render(request: Request) -> Response:
    """POST /v1/render."""
    engine = _engine(request.app)
    engine.check_room(1)
    _require_content_type(request, "application/json")
    body = await _read_body(request, engine.settings.json_limit_mebibytes * MEBIBYTE)
    try:
        wanted = schemas.RenderRequest.model_validate_json(body)
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
        camera_convention=CONVENTION,
        providers={runner.graph: runner.session.provider for runner in engine.runners},
    )
    return _json(answer, 200)


async def refused(_: Request, error: Exception) -> Response:
    """Any error raised on purpose, as JSON."""
    assert isinstance(error, RequestError)
    return refusal.to_response(error)


async def item_refused(_: Request, error: Exception) -> Response:
    """An item's error outside a batch, as JSON."""
    assert isinstance(error, ItemError)
    return refusal.to_response(RequestError(422, error.code, error.message))


routes = Starlette(
    routes=[
        Route("/v1/reconstruct", reconstruct, methods=["POST"]),
        Route("/v1/render", render, methods=["POST"]),
        Route("/v1/model", model, methods=["GET"]),
    ],
    middleware=[Middleware(CallScope), Middleware(AccessControl), Middleware(BodyLimit)],
    exception_handlers={RequestError: refused, ItemError: item_refused},
)


@bentoml.service(
    name="inverse-graphics",
    service_class=DocumentedService,
    workers=1,
    traffic={"timeout": REQUEST_TIMEOUT_SECONDS},
    # Ours has one line per request, with its id.
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(routes)
class InverseGraphics:
    """Photographs in, textured 3D meshes with their cameras out."""

    def __init__(self) -> None:
        """Load and warm up; nothing is answered before, so ready means ready."""
        logs.start()
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


def _read_form(form: FormData, largest: int) -> tuple[list[Upload], Options]:
    values: dict[str, str] = {}
    uploads: list[Upload] = []
    for field, value in form.multi_items():
        if field not in FORM_FIELDS:
            raise RequestError(
                400, "unknown_field", f"field {field[:80]!r} is not one of {list(FORM_FIELDS)}"
            )
        if field == "images":
            uploads.append(_upload(value))
        elif isinstance(value, UploadFile) or field in values:
            raise RequestError(400, "invalid_field", f"field {field} must be one short text")
        else:
            values[field] = value.strip().lower()
    if not 1 <= len(uploads) <= largest:
        raise RequestError(
            400, "wrong_count", f"got {len(uploads)} images; send 1..{largest} in field images"
        )
    return uploads, _options(values)


def _upload(value: UploadFile | str) -> Upload:
    if isinstance(value, UploadFile):
        return Upload((value.filename or "")[:255], value.file.read)

    def refuse() -> bytes:
        # Never taken as an address: a service that fetches URLs reaches into its own network.
        raise ItemError("not_a_file", "the part is text, not a file: attach the image itself")

    return Upload("", refuse)


def _options(values: dict[str, str]) -> Options:
    mesh_format = values.get("format", "glb")
    if mesh_format not in FORMATS:
        raise RequestError(
            400, "invalid_field", f"format is {mesh_format[:80]!r}; it must be one of {FORMATS}"
        )
    flags = {}
    for name, default in (("texture", "true"), ("preview", "false")):
        text = values.get(name, default)
        if text not in FLAGS:
            raise RequestError(
                400, "invalid_field", f"{name} is {text[:80]!r}; it must be true or false"
            )
        flags[name] = FLAGS[text]
    return Options(mesh_format, **flags)


def _status(count: int, failed: list[schemas.ImageAnswer]) -> int:
    if not failed:
        return 200
    if len(failed) < count:
        return 207
    ours = all(entry.error is not None and entry.error.code == INTERNAL_ERROR for entry in failed)
    return 500 if ours else 422


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
    content = answer.model_dump_json(exclude_none=True)
    return Response(content, status, media_type="application/json")
