"""Files that open pages show or give out: in memory, under addresses that nobody guesses."""

# pyright: reportMissingImports=false
import secrets
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from urllib.parse import quote

from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from service.ui.client import CallError

TOKEN_BYTES = 24
Stream = Callable[[], AsyncIterator[bytes]]


class File(NamedTuple):
    """What an address gives."""

    name: str
    media_type: str
    content: bytes | Stream


class Shelf:
    """The files of one open page, which go with it."""

    def __init__(self, files: dict[str, File]) -> None:
        """`files`: those of all pages, by token."""
        self._files = files
        self._tokens: list[str] = []

    def put(self, name: str, media_type: str, content: bytes | Stream) -> str:
        """The address of a file from now on."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._files[token] = File(name, media_type, content)
        self._tokens.append(token)
        return f"/kept/{token}/{quote(name, safe='')}"

    def drop(self, address: str) -> None:
        """Forget one file; an address that is not known is left alone."""
        token = address.split("/")[2] if address.startswith("/kept/") else ""
        self._files.pop(token, None)

    def clear(self) -> None:
        """Forget all of them."""
        for token in self._tokens:
            self._files.pop(token, None)
        self._tokens.clear()


class Store:
    """The files of all open pages."""

    def __init__(self, application: FastAPI) -> None:
        """Adds the route that gives them out."""
        self._files: dict[str, File] = {}
        application.get("/kept/{token}/{name}")(self._answer)

    def shelf(self) -> Shelf:
        """The shelf of a page that opens."""
        return Shelf(self._files)

    def __len__(self) -> int:
        return len(self._files)

    async def _answer(self, token: str) -> Response:
        file = self._files.get(token)
        if file is None:
            return Response("This file went with the page that showed it.", 404)
        headers = {
            "Content-Disposition": f"inline; filename*=UTF-8''{quote(file.name, safe='')}",
            "Cache-Control": "private, max-age=3600",
        }
        if isinstance(file.content, bytes):
            return Response(file.content, 200, headers, file.media_type)
        chunks = file.content()
        try:
            first = await anext(chunks, b"")
        except CallError as error:
            return Response(error.message, 502)
        return StreamingResponse(_rest(first, chunks), 200, headers, file.media_type)


async def _rest(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
