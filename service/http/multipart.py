"""Forms as they come in, held to the beginning and the end of a body.

The parser is `multipart`, which takes half the time of python-multipart and Starlette. They take a
body whose closing boundary never came for a whole one, and so lose the last part; they take no
preamble, which RFC 2046 allows, and a file named by `filename*` for a text.
"""

from collections.abc import AsyncGenerator

# python-multipart, which BentoML brings, has the same name, and leaves it to this one.
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header  # pyright: ignore[reportAttributeAccessIssue]
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from service.http.parts import Part
from service.threads import to_its_end


class WholeForm:
    """Parses a body from its first boundary to its closing one."""

    def __init__(self, request: Request, files: int, fields: int) -> None:
        """At most so many of each.

        Raises `MultiPartException` where the header names no boundary.
        """
        _, parameters = parse_options_header(request.headers.get("content-type", ""))
        if not parameters.get("boundary"):
            raise MultiPartException(
                "Content-Type has no boundary: let the HTTP library write the header."
            )
        self._boundary = parameters["boundary"].encode("latin-1")
        self._charset = parameters.get("charset", "utf-8")
        self._stream = request.stream()
        self._most = {"files": files, "fields": fields}
        self._count = {"files": 0, "fields": 0}
        self._begun = False
        self._parts: list[Part] = []

    async def parse(self) -> FormData:
        """The parts, in the order sent; closing them closes their files.

        Raises:
            MultiPartException: the body is no form, is not whole, or has too many parts.
            OSError: the disk is full, or fails.
        """
        try:
            # Any bytes are Latin-1: of which charset the names are is found out later.
            parser = PushMultipartParser(self._boundary, header_charset="latin-1")
            async for chunk in self._whole(self._stream):
                await self._take(parser, chunk)
            self._end(parser)
            return FormData([(part.field, part.value()) for part in self._parts])
        except BaseException as error:
            for part in self._parts:
                part.close()
            if isinstance(error, MultipartError):
                raise MultiPartException(f"Invalid multipart data: {error}.") from error
            raise

    async def _take(self, parser: PushMultipartParser, chunk: bytes) -> None:
        """Read what came; what is too much for memory goes to the disk, before more is read."""
        part = self._parts[-1] if self._parts else None
        large = []
        for event in parser.parse(chunk):
            if isinstance(event, MultipartSegment):
                part = self._begin(event)
            elif part is not None and event:
                part.add(event)
            elif part is not None and part.overflows():
                large.append(part)
        if part is not None and part.overflows() and part not in large:
            large.append(part)
        for part in large:
            await to_its_end(part.spill)

    def _begin(self, segment: MultipartSegment) -> Part:
        part = Part(segment, self._charset)
        kind = "fields" if part.filename is None else "files"
        self._count[kind] += 1
        if self._count[kind] > (most := self._most[kind]):
            raise MultiPartException(f"Too many {kind}. Maximum number of {kind} is {most}.")
        self._parts.append(part)
        return part

    def _end(self, parser: PushMultipartParser) -> None:
        try:
            parser.close()
        except MultipartError:
            raise MultiPartException(self._what_is_missing()) from None

    async def _whole(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The body without its preamble. Raised inside, the parser closes the files it has."""
        # A boundary begins a line, and the body begins one too.
        boundary, held = b"\n--" + self._boundary, b"\n"
        async for chunk in chunks:
            if self._begun:
                if chunk:  # an empty one would be the end
                    yield chunk
                continue
            held += chunk
            start = held.find(boundary)
            if start < 0:
                held = held[-len(boundary) :]
                continue
            self._begun = True
            yield held[start + 1 :]

    def _what_is_missing(self) -> str:
        text = self._boundary[:80].decode("latin-1")
        if not self._begun:
            return f"No line of the body is the boundary {'--' + text!r} that Content-Type names."
        return (
            f"The body ends before its closing boundary {'--' + text + '--'!r}, so its last part "
            "is cut short: send all of it again."
        )
