"""The header Idempotency-Key, by which a POST that is sent again is no second one.

As in draft-ietf-httpapi-idempotency-key-header-07.
"""

import hashlib
from collections.abc import Iterable

from starlette.datastructures import Headers, UploadFile

from service.errors import RequestError
from service.jobs.rows import Key

KEY_HEADER = "Idempotency-Key"
LONGEST_KEY = 255
"""Characters."""
CHUNK_BYTES = 1 << 20


def key_of(headers: Headers, sent: Iterable[tuple[str, UploadFile | str]]) -> Key | None:
    """The key of a form; None where it came without. Files are read and rewound.

    Raises `RequestError` 400 for a key that is none.
    """
    key = headers.get(KEY_HEADER)
    if key is None:
        return None
    if len(headers.getlist(KEY_HEADER)) > 1:
        message = f"{KEY_HEADER} stands there twice: send one"
        raise RequestError(400, "invalid_header", message)
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        message = (
            f"{KEY_HEADER} has {len(key)} characters; it must be 1..{LONGEST_KEY} printable ASCII "
            "characters, as in a UUID"
        )
        raise RequestError(400, "invalid_header", message)
    # Two users may choose the same.
    name = hashlib.sha256(repr((headers.get("authorization"), key)).encode())
    return Key(name.hexdigest(), _digest(sent))


def _digest(sent: Iterable[tuple[str, UploadFile | str]]) -> str:
    """Of names and contents in order; the boundary between them may be another."""
    digest = hashlib.sha256()
    for name, value in sent:
        if isinstance(value, UploadFile):
            digest.update(repr((name, value.filename, value.size)).encode())
            while chunk := value.file.read(CHUNK_BYTES):
                digest.update(chunk)
            value.file.seek(0)
        else:
            digest.update(repr((name, value)).encode())
    return digest.hexdigest()
