"""Whose turn an image takes in the queues where no call waits for it: that of its job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_JOB: ContextVar[str | None] = ContextVar("job", default=None)


def current_job() -> str | None:
    """The id of the job that the running task works for; None outside any."""
    return _JOB.get()


@contextmanager
def working_for(job: str) -> Iterator[None]:
    """All images of a job stand in one line, however many of them are begun at once."""
    token = _JOB.set(job)
    try:
        yield
    finally:
        _JOB.reset(token)
