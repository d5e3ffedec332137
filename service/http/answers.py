"""The forms a batch's answer takes: JSON, multipart, ZIP, or lines as the images finish.

In JSON and in lines a file is base64 text; in multipart and ZIP the same field holds the file's
name, `0003/mesh.glb`, and the file is a part or member of that name. Refusals are answers too.
`choose` finds the form that a client prefers of those a route offers.
"""

import io
import re
import secrets
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import chain
from typing import NamedTuple, TypeVar

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from service import metrics
from service.errors import WRONG_ENCODING, RequestError
from service.pipeline import meshes
from service.schemas import photographs as schemas
from service.schemas.objects import ObjectAnswer, ReconstructAnswer

JSON = "application/json"
MULTIPART = "multipart/mixed"
ZIP = "application/zip"
LINES = "application/x-ndjson"
KINDS = (JSON, MULTIPART, ZIP, LINES)
ANSWER_FILE = "answer.json"
PNG = "image/png"
QUALITY = re.compile(r"0(\.[0-9]{0,20})?|1(\.0{0,20})?|\.[0-9]{1,20}")
LONGEST_ACCEPT = 1000
"""Characters of an Accept header."""


Entry = TypeVar("Entry", bound=schemas.ImageAnswer | ObjectAnswer)


class File(NamedTuple):
    """One file of an answer."""

    name: str
    """`0003/mesh.glb`, `object-0000/mesh.glb`: made of the index, never of what the client called
    it."""
    media_type: str
    content: bytes


class Stream(StreamingResponse):
    """Parts as they come; what the request holds is given back when the last one is sent."""

    def __init__(
        self,
        parts: AsyncIterator[bytes],
        held: AsyncExitStack,
        media_type: str = LINES,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(parts, headers=headers, media_type=media_type)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        async with self._held:
            await super().__call__(scope, receive, send)


def choose(header: str | None, offered: Sequence[str]) -> str:
    """The offered type of the highest quality in an Accept header (RFC 9110, section 12.5.1).

    Of equals the one offered first; raises `RequestError` 406 where none will do.
    """
    if not header or not header.strip():
        return offered[0]
    if len(header) > LONGEST_ACCEPT:
        message = f"Accept has {len(header)} characters; at most {LONGEST_ACCEPT} may be"
        raise RequestError(400, "invalid_accept", message)
    ranges = dict(_range(part) for part in header.lower().split(",") if part.strip())
    qualities = [_quality(ranges, kind) for kind in offered]
    best = max(qualities, default=0)
    if best <= 0:
        message = f"Accept is {header[:80]!r}; this answers {', '.join(offered)}"
        raise RequestError(406, "not_acceptable", message)
    return offered[qualities.index(best)]


def pack(kind: str, answer: ReconstructAnswer, status: int) -> Response:
    """The whole answer at once, as JSON, MULTIPART or ZIP. CPU work: called in the pool."""
    if kind == JSON:
        return as_json(answer, status)
    files: list[File] = []
    changes: dict[str, object] = {}
    for field, entries in (("images", answer.images), ("objects", answer.objects)):
        if entries is not None:
            parts = [split(entry) for entry in entries]
            changes[field] = [short for short, _ in parts]
            files += chain.from_iterable(own for _, own in parts)
    head = answer_file(answer.model_copy(update=changes))
    if kind == ZIP:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for member in (head, *files):
                write_member(archive, member)
        disposition = {"Content-Disposition": 'attachment; filename="reconstructions.zip"'}
        return Response(file.getvalue(), status, disposition, ZIP)
    boundary = secrets.token_hex(16)
    body = b"".join(_parts((head, *files), boundary))
    return Response(body, status, media_type=f"{MULTIPART}; boundary={boundary}")


def one_file(kind: str, answer: schemas.Strict, files: Sequence[bytes | str]) -> Response:
    """JSON, or the one file of the answer by itself; 406 where there are several."""
    if kind == JSON:
        return as_json(answer)
    if len(files) != 1:
        message = (
            f"the answer has {len(files)} pictures, {kind} holds one: accept {JSON}, or ask for an "
            "animation"
        )
        raise RequestError(406, "not_acceptable", message)
    return Response(files[0], media_type=kind)


def refuse(error: RequestError) -> JSONResponse:
    """`{"error": {"code", "message"}}` with the error's status, and Retry-After where it has it."""
    metrics.REFUSALS.labels(error.code).inc()
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.code == WRONG_ENCODING:
        headers["Accept-Encoding"] = "identity"  # RFC 9110, section 15.5.16
    problem = {"error": {"code": error.code, "message": error.message}}
    return JSONResponse(problem, error.status, headers)


def as_json(
    answer: schemas.Strict, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Any answer as JSON; its files are base64."""
    return Response(answer.to_json(), status, headers, JSON)


def answer_file(answer: ReconstructAnswer) -> File:
    """The answer itself among its files."""
    return File(ANSWER_FILE, JSON, answer.to_json())


def split(entry: Entry) -> tuple[Entry, list[File]]:
    """The entry with file names in place of contents, and the files."""
    folder = f"{'object-' if isinstance(entry, ObjectAnswer) else ''}{entry.index:04d}"
    files: list[File] = []
    changes: dict[str, object] = {}

    def take(name: str, media_type: str, content: bytes | str) -> str:
        assert isinstance(content, bytes)  # links are refused where files are answered
        files.append(File(f"{folder}/{name}", media_type, content))
        return files[-1].name

    if entry.mesh is not None:
        mesh = entry.mesh
        name = take(f"mesh.{meshes.EXTENSIONS[mesh.format]}", mesh.media_type, mesh.data)
        changes["mesh"] = mesh.model_copy(update={"data": name})
    for field in ("mask", "preview"):
        if (content := getattr(entry, field, None)) is not None:
            changes[field] = take(f"{field}.png", PNG, content)
    return entry.model_copy(update=changes), files


def write_member(archive: zipfile.ZipFile, file: File) -> None:
    """Meshes and pictures are compressed already, or cost more time than they would save."""
    method = zipfile.ZIP_DEFLATED if file.media_type == JSON else zipfile.ZIP_STORED
    archive.writestr(file.name, file.content, method)


def _parts(files: tuple[File, ...], boundary: str) -> Iterator[bytes]:
    """RFC 2046, section 5.1; the boundary is random, so that no file holds it."""
    for file in files:
        yield (
            f"--{boundary}\r\nContent-Type: {file.media_type}\r\n"
            f'Content-Disposition: attachment; filename="{file.name}"\r\n'
            f"Content-Length: {len(file.content)}\r\n\r\n"
        ).encode()
        yield file.content
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _range(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            if not QUALITY.fullmatch(value.strip()):
                message = f"q of {kind[:80]!r} is {value[:20]!r}; it must be 0..1"
                raise RequestError(400, "invalid_accept", message)
            return kind, float(value)
    return kind, 1.0


def _quality(ranges: dict[str, float], kind: str) -> float:
    """The most specific range that holds the type decides."""
    for pattern in (kind, f"{kind.split('/')[0]}/*", "*/*"):
        if pattern in ranges:
            return ranges[pattern]
    return 0.0
