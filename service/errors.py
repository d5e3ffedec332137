"""Errors that a client gets: of one image, or of the whole request."""

import errno

INTERNAL_ERROR = "internal_error"
"""The code of what nobody foresaw, of an image or of the whole request."""
WRONG_ENCODING = "wrong_content_encoding"
"""The code of the refusal of a packed body."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""`OSError.errno` of a full disk, or of one's share of it."""


class StoreFailed(OSError):
    """The database or the files that replicas share do not answer, or do not fit each other."""


class ItemError(Exception):
    """One image of a batch cannot be used; the others are not touched by it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RequestError(Exception):
    """The request as a whole is refused, with an HTTP status."""

    def __init__(
        self, status: int, code: str, message: str, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_seconds = retry_after_seconds


class Overloaded(RequestError):
    """The queue is full: come back later."""

    def __init__(self, queued: int, limit: int, retry_after_seconds: int) -> None:
        wait = f"send again in {retry_after_seconds} s"
        message = f"{queued} images wait already, at most {limit} may: {wait}"
        super().__init__(429, "overloaded", message, retry_after_seconds)


class ShuttingDown(RequestError):
    """The service is stopping."""

    def __init__(self) -> None:
        super().__init__(503, "shutting_down", "this replica is stopping: send again", 1)


class NotWorking(RequestError):
    """A graph fails, whatever its input."""

    def __init__(self, graph: str, retry_after_seconds: int) -> None:
        message = (
            f"{graph} fails on every input since an error of the device: send again in "
            f"{retry_after_seconds} s, another replica may answer; the log says what failed"
        )
        super().__init__(503, "not_working", message, retry_after_seconds)


class DeadlineExceeded(RequestError):
    """The time the request was given is over."""

    def __init__(self) -> None:
        message = "the time given to this request is over: send fewer images, or allow more time"
        super().__init__(504, "deadline_exceeded", message)


class InsufficientStorage(RequestError):
    """A disk of the service is full."""

    def __init__(self, reason: str) -> None:
        message = (
            f"the service's disk is full ({reason}): delete jobs that are done, or send it later"
        )
        super().__init__(507, "insufficient_storage", message, 60)
