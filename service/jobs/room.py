"""How much all jobs together may hold."""

from threading import Lock

from service.errors import RequestError


class JobsFull(RequestError):
    """What is to be kept is more than all jobs may hold."""

    def __init__(self, held: int, limit: int) -> None:
        message = (
            f"jobs hold {held >> 20} MiB, and with this one, unpacked, they would hold more than "
            f"the {limit >> 20} MiB allowed: delete jobs that are done, or send fewer images"
        )
        super().__init__(507, "jobs_full", message, retry_after_seconds=60)


class Room:
    """Bytes of all uploads and results; safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self.held = 0
        self._limit = limit
        self._lock = Lock()

    def take(self, size: int, beyond_limit: bool = False) -> None:
        """Count bytes that are about to be written; raises `JobsFull`."""
        with self._lock:
            if self.held + size > self._limit and not beyond_limit:
                raise JobsFull(self.held, self._limit)
            self.held += size

    def give(self, size: int) -> None:
        """Count bytes no longer that are not written, or gone."""
        with self._lock:
            self.held -= size
