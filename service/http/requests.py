"""Reading and checking of requests, for all routes."""

from codecs import BOM_UTF8
from collections.abc import Iterable
from typing import Any, TypeVar, get_origin

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import WRONG_ENCODING, RequestError
from service.http.json_errors import DoubledKey, check_keys, in_words
from service.http.multipart import WholeForm
from service.pipeline.engine import Engine
from service.schemas import photographs as schemas
from service.schemas.options import Texts

MEBIBYTE = 1 << 20
Model = TypeVar("Model", bound=schemas.Strict)
Form = TypeVar("Form", bound=Texts)


class BodyLimit:
    """Refuses a body beyond its limit, or beyond that of all bodies together.

    By its declared length at once, else while it comes in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI; raises `RequestError` 413 and 429."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        mebibytes = engine_of(scope["app"]).settings.body_limit_mebibytes
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        size = int(declared) if declared.isdigit() else 0
        if size > mebibytes * MEBIBYTE:
            raise _too_large(mebibytes)
        with scope["app"].state.spool.share() as share:
            share.check(size)

            async def limited() -> Message:
                message = await receive()
                share.take(len(message.get("body", b"")))
                if share.held > mebibytes * MEBIBYTE:
                    raise _too_large(mebibytes)
                return message

            await self.app(scope, limited, send)


def engine_of(app: Starlette) -> Engine:
    """The engine; raises `RequestError` 503 before it is loaded."""
    engine = getattr(app.state, "engine", None)
    if engine is None:
        raise RequestError(503, "not_ready", "the model is being loaded: send again", 5)
    return engine


def validated(model: type[Model], body: str | bytes, name: str = "") -> Model:
    """JSON as a model; `name`: of the form's field that it came in.

    Raises:
        RequestError: 422, naming the fields that are wrong, what was got and what is allowed.
    """
    if isinstance(body, bytes):
        body = body.removeprefix(BOM_UTF8)  # some write it; RFC 8259 lets readers pass it over
    try:
        check_keys(body)
        return model.model_validate_json(body)
    except DoubledKey as error:
        message = f"{name or 'the body'}: {error}"
        raise RequestError(422, "invalid_request", message) from None
    except ValidationError as error:
        raise RequestError(422, "invalid_request", in_words(model, error, name)) from error


def whole_header(headers: Headers, name: str) -> str | None:
    """A header that holds a list, whose lines are one (RFC 9110, section 5.3); None: no line."""
    return ", ".join(headers.getlist(name)) or None


def accepted(request: Request) -> str | None:
    """What the client takes for an answer; None: it says nothing."""
    return whole_header(request.headers, "accept")


def read_query(request: Request, model: type[Form], code: str = "invalid_query") -> Form:
    """The query as its model; every handler reads its own, so that nothing in one is passed over.

    Raises:
        RequestError: 400, as `read_fields`.
    """
    return read_fields(model, request.query_params.multi_items(), code)


class NoQuery(Texts):
    """The query of a route that reads none."""


def require_content_type(request: Request, wanted: str) -> None:
    """Raise `RequestError` 415 where the body is of another kind, or packed."""
    coding = (whole_header(request.headers, "content-encoding") or "").strip().lower()
    if coding not in ("", "identity"):
        message = f"Content-Encoding is {coding[:80]!r}; send the body as it is, without the header"
        raise RequestError(415, WRONG_ENCODING, message)
    got = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if got != wanted:
        message = f"content type is {got[:80]!r}; it must be {wanted}"
        raise RequestError(415, "wrong_content_type", message)


async def open_form(request: Request, model: type[Texts], files: int, texts: int = 0) -> FormData:
    """Parse the body into parts; close them in the end.

    `texts`: fields beyond one for each of the model.

    Raises:
        RequestError: 415 for another content type or a packed body; 400 where it is no form, is not
            whole or has too many parts.
    """
    require_content_type(request, "multipart/form-data")
    fields = len(model.model_fields) + texts
    try:
        return await WholeForm(request, files, fields).parse()
    except MultiPartException as error:
        message = f"{error.message} Send at most {files} files in multipart/form-data"
        raise RequestError(400, "malformed_multipart", message) from error


def read_fields(
    model: type[Form], sent: Iterable[tuple[str, UploadFile | str]], code: str = "invalid_field"
) -> Form:
    """The fields of a form or query as its model; `code`: that of the error for a wrong value.

    Raises:
        RequestError: 400, naming the field, what was got and what is allowed.
    """
    values: dict[str, Any] = {}
    for name, value in sent:
        field = model.model_fields.get(name)
        if field is None:
            raise RequestError(400, "unknown_field", _unknown(model, name))
        if get_origin(field.annotation) is list:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise _not_one(name, "file" if isinstance(value, UploadFile) else "short text")
        else:
            values[name] = value
    for name, field in model.model_fields.items():
        if field.is_required() and name not in values:
            message = f"field {name} is missing: send {field.description}"
            raise RequestError(400, "wrong_count", message)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refusal(model, values, error, code) from error


def _refusal(
    model: type[Texts], values: dict[str, Any], error: ValidationError, code: str
) -> RequestError:
    """The first problem of a form in words."""
    problem = error.errors(include_url=False)[0]
    name = str(problem["loc"][0])
    field = model.model_json_schema()["properties"][name]
    if not isinstance(values[name], str):
        return _not_one(name, "short text")
    reason = problem.get("ctx", {}).get("error") or _allowed(field.get("anyOf", [field])[0])
    text = values[name].strip().lower()
    return RequestError(400, code, f"{name} is {text[:80]!r}; it must be {reason}")


def _allowed(field: dict[str, Any]) -> str:
    """What its JSON schema says of a text."""
    if "enum" in field:
        return f"one of {tuple(field['enum'])}"
    if field["type"] == "boolean":
        return "true or false"
    if "minimum" in field and "maximum" in field:
        return f"{field['minimum']}..{field['maximum']}"
    return f"of type {field['type']}"


def _unknown(model: type[Texts], name: str) -> str:
    if not model.model_fields:
        return (
            f"the address has {name[:80]!r} after its ?, where nothing is read: send it in the body"
        )
    return f"field {name[:80]!r} is not one of {tuple(model.model_fields)}"


def _not_one(name: str, kind: str) -> RequestError:
    return RequestError(400, "invalid_field", f"field {name} must be one {kind}")


async def read_body(request: Request, mebibytes: int) -> bytes:
    """The whole body; raises `RequestError` 413 where it is larger."""
    chunks: list[bytes] = []
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > mebibytes * MEBIBYTE:
            raise _too_large(mebibytes)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(mebibytes: int) -> RequestError:
    message = f"the body is larger than {mebibytes} MiB: send fewer or smaller images"
    return RequestError(413, "body_too_large", message)
