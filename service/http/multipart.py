"""Forms as they come in: Starlette's parser, held to the beginning and the end of a body.

It takes a body whose closing boundary never came for a whole one, and so loses the last part. It
takes no preamble, which RFC 2046 allows, and a file named by `filename*` for a text.
"""

import re
from collections.abc import AsyncGenerator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser, _user_safe_decode
from starlette.requests import Request

PLAIN_ENCODINGS = (b"", b"7bit", b"8bit", b"binary")
"""Content-Transfer-Encodings that leave a part's bytes as they are (RFC 2045, section 6.2)."""
QUOTED = re.compile(rb'"(?:\\.|[^"\\])*"')
EXTENDED_NAME = re.compile(rb";\s*filename\*", re.IGNORECASE)
PLAIN_FILE = re.compile(rb'form-data; name="([^"\\]*)"; filename="([^"\\]*)"')
"""What clients write of nearly every file: there is nothing to unquote, and no other parameter."""
PLAIN_NAME = re.compile(rb";\s*filename\s*=", re.IGNORECASE)


class WholeForm(MultiPartParser):
    """Parses a body from its first boundary to its closing one; raises `MultiPartException`."""

    def __init__(self, request: Request, files: int, fields: int) -> None:
        """At most so many of each. A text has at most 1 MiB."""
        self._boundary = _boundary_of(request)
        self._begun = self._ended = False
        body = self._whole(request.stream())
        super().__init__(request.headers, body, max_files=files, max_fields=fields)

    def on_end(self) -> None:
        """The closing boundary has come."""
        self._ended = True

    def on_headers_finished(self) -> None:
        """Refuse a part whose headers would make it another one than was meant."""
        headers = dict(self._current_part.item_headers)
        plain = PLAIN_FILE.fullmatch(headers.get(b"content-disposition", b""))
        if plain and b"content-transfer-encoding" not in headers:
            self._begin_file(*plain.groups())
            return
        disposition = QUOTED.sub(b'""', headers.get(b"content-disposition", b""))
        if EXTENDED_NAME.search(disposition) and not PLAIN_NAME.search(disposition):
            raise MultiPartException(
                "A part names its file by filename*, which forms may not (RFC 7578, section 4.2): "
                "send filename in UTF-8."
            )
        encoding = headers.get(b"content-transfer-encoding", b"").strip().lower()
        if encoding not in PLAIN_ENCODINGS:
            raise MultiPartException(
                f"A part has Content-Transfer-Encoding {encoding[:40].decode('latin-1')!r}; it "
                "must be binary (RFC 7578, section 4.7): send the file as it is."
            )
        super().on_headers_finished()

    def _begin_file(self, field: bytes, name: bytes) -> None:
        """What Starlette does for a file, whose reading of the header takes most of a small one."""
        self._current_files += 1
        if self._current_files > self.max_files:
            raise MultiPartException(
                f"Too many files. Maximum number of files is {self.max_files}."
            )
        part, charset = self._current_part, self._charset
        part.field_name = _user_safe_decode(field, charset)
        file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(self.spool_max_size)
        self._files_to_close_on_error.append(file)
        headers = Headers(raw=part.item_headers)
        part.file = UploadFile(
            cast(BinaryIO, file), size=0, filename=_user_safe_decode(name, charset), headers=headers
        )

    async def _whole(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The body without its preamble. Raised inside, the parser closes the files it has."""
        # A boundary begins a line, and the body begins one too.
        boundary, held = b"\n--" + self._boundary, b"\n"
        async for chunk in chunks:
            if self._begun:
                yield chunk
                continue
            held += chunk
            start = held.find(boundary)
            if start < 0:
                held = held[-len(boundary) :]
                continue
            self._begun = True
            yield held[start + 1 :]
        if not self._ended:
            raise MultiPartException(self._what_is_missing())

    def _what_is_missing(self) -> str:
        text = self._boundary[:80].decode("latin-1")
        if not self._begun:
            return f"No line of the body is the boundary {'--' + text!r} that Content-Type names."
        return (
            f"The body ends before its closing boundary {'--' + text + '--'!r}, so its last part "
            "is cut short: send all of it again."
        )


def _boundary_of(request: Request) -> bytes:
    """By the parser's reading of the header; raises `MultiPartException` where there is none."""
    _, parameters = parse_options_header(request.headers.get("content-type"))
    if not (boundary := parameters.get(b"boundary")):
        raise MultiPartException(
            "Content-Type has no boundary: let the HTTP library write the header."
        )
    return boundary
