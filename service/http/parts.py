"""The parts of a form as they come in: what they are, and where they are held."""

import asyncio
import re
from contextlib import suppress
from io import BytesIO
from tempfile import TemporaryFile
from typing import BinaryIO, cast

# python-multipart, which BentoML brings, has the same name, and leaves it to this one.
from multipart import MultipartSegment  # pyright: ignore[reportAttributeAccessIssue]
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

LARGEST_IN_MEMORY = 1 << 20
"""Bytes of a file; a larger one is on the disk."""
LARGEST_TEXT = 1 << 20
"""Bytes of a part that is no file."""
PLAIN_ENCODINGS = ("", "7bit", "8bit", "binary")
"""Content-Transfer-Encodings that leave a part's bytes as they are (RFC 2045, section 6.2)."""
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
EXTENDED_NAME = re.compile(r";\s*filename\*", re.IGNORECASE)


class SentFile(UploadFile):
    """A file of a form, without the headers of its part: its content says what it is."""

    async def close(self) -> None:
        """On a thread where it is on the disk, which may take a while to free it."""
        if isinstance(self.file, BytesIO):
            self.file.close()
        else:
            await asyncio.to_thread(self.file.close)


class Part:
    """One part; what comes of it is in memory first."""

    def __init__(self, segment: MultipartSegment, charset: str) -> None:
        """`segment`: its headers, in Latin-1. `charset`: of its names, and of a text.

        Raises:
            MultiPartException: it has no name, or they would make it another part than was meant.
        """
        _check(segment)
        self._charset = charset
        self.field = self._named(segment.name or "")
        self.filename = None if segment.filename is None else self._named(segment.filename)
        """None: it is a text."""
        self._size = self._written = 0
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None

    def add(self, piece: bytes) -> None:
        """More of what it holds; raises `MultiPartException` for a text that is too long."""
        self._size += len(piece)
        if self.filename is None and self._size > LARGEST_TEXT:
            raise MultiPartException(f"Part exceeded maximum size of {LARGEST_TEXT >> 10}KB.")
        self._pieces.append(piece)

    def overflows(self) -> bool:
        """Whether a file has to `spill`: too much is in memory, or its beginning is on the disk."""
        held = self._size - self._written
        return self.filename is not None and held > (0 if self._file else LARGEST_IN_MEMORY)

    def spill(self) -> None:
        """Write what is in memory to the disk; raises `OSError` where that is full."""
        self._file = self._file or cast(BinaryIO, TemporaryFile())
        self._file.write(b"".join(self._pieces))
        self._pieces.clear()
        self._written = self._size

    def value(self) -> SentFile | str:
        """All of it; a file stands at its beginning."""
        if self.filename is None:
            return self._decoded(b"".join(self._pieces))
        file = self._file or BytesIO(b"".join(self._pieces))
        file.seek(0)
        return SentFile(file, size=self._size, filename=self.filename)

    def close(self) -> None:
        """It is of no use."""
        if self._file is not None:
            with suppress(OSError):  # what it still held did not fit either
                self._file.close()

    def _named(self, name: str) -> str:
        return name if name.isascii() else self._decoded(name.encode("latin-1"))

    def _decoded(self, text: bytes) -> str:
        try:
            return text.decode(self._charset)
        except (ValueError, LookupError):  # no such charset, or not of it
            return text.decode("latin-1")


def _check(segment: MultipartSegment) -> None:
    if not segment.name:
        message = 'The Content-Disposition header field "name" must be provided.'
        raise MultiPartException(message)
    for name, value in segment.headerlist:
        if name == "Content-Disposition":
            if segment.filename is None and EXTENDED_NAME.search(QUOTED.sub('""', value)):
                raise MultiPartException(
                    "A part names its file by filename*, which forms may not (RFC 7578, section "
                    "4.2): send filename in UTF-8."
                )
        elif name == "Content-Transfer-Encoding":
            if value.strip().lower() not in PLAIN_ENCODINGS:
                raise MultiPartException(
                    f"A part has Content-Transfer-Encoding {value[:40]!r}; it must be binary (RFC "
                    "7578, section 4.7): send the file as it is."
                )
