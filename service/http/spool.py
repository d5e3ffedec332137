"""What requests hold on the disk for temporary files, and in memory, until they are answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from service.errors import RequestError
from service.siblings import Column, Siblings

MEBIBYTE = 1 << 20
RETRY_AFTER_SECONDS = 5


class SpoolFull(RequestError):
    """The bodies of all requests together are more than may be held."""

    def __init__(self, held: int, limit: int) -> None:
        message = (
            f"requests that are being answered hold {held >> 20} MiB of uploads and archives; with "
            f"this one it would be more than the {limit >> 20} allowed: send again in "
            f"{RETRY_AFTER_SECONDS} s"
        )
        super().__init__(429, "spool_full", message, RETRY_AFTER_SECONDS)


class Spool:
    """Counts the bytes of all requests together; safe to use from several threads."""

    def __init__(self, mebibytes: int, siblings: Siblings | None = None) -> None:
        """`mebibytes`: most that may be held, by all `siblings` together; None: by this process."""
        self._siblings = siblings or Siblings()
        self._limit = mebibytes * MEBIBYTE
        self._lock = Lock()

    @property
    def held(self) -> int:
        """Bytes that this process holds."""
        return self._siblings.own(Column.BYTES)

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """What one request holds, which ends with it."""
        share = Share(self)
        try:
            yield share
        finally:
            self._move(-share.held)

    def _move(self, size: int) -> None:
        with self._lock:
            if size <= 0:
                self._siblings.set(Column.BYTES, self.held + size)
            elif not self._siblings.take(Column.BYTES, size, self._limit):
                raise SpoolFull(self._siblings.total(Column.BYTES), self._limit)


class Share:
    """The bytes of one request."""

    def __init__(self, spool: Spool) -> None:
        self.held = 0
        """Bytes."""
        self._spool = spool

    def take(self, size: int) -> None:
        """Count bytes that are held from here on; raises `SpoolFull`."""
        self._spool._move(size)
        self.held += size

    def check(self, size: int) -> None:
        """Raise `SpoolFull` where so many could not be taken now."""
        self._spool._move(size)
        self._spool._move(-size)
