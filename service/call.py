"""Who is being worked for: the HTTP call with its id and deadline, or a job.

Everything that a call starts can ask `current_call()`; what works for a job, `current_job()`.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Any

ID_HEADER = "x-request-id"
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})")


class Call:
    """What is known of a call while it lasts."""

    def __init__(
        self, method: str, path: str, headers: Mapping[str, str], deadline_seconds: float
    ) -> None:
        """`headers`: their names in lower case."""
        self.method = method
        self.path = path
        given = headers.get(ID_HEADER, "")
        self.id = given if SAFE_ID.fullmatch(given) else uuid.uuid4().hex
        """The client's X-Request-Id where it is a plain one, else a new one."""
        wish = WAIT.search(headers.get("prefer", ""))
        if wish:  # RFC 7240, section 4.3
            deadline_seconds = min(deadline_seconds, float(wish[1]))
        self.deadline = asyncio.get_running_loop().time() + deadline_seconds
        """Seconds of the event loop's clock."""
        self.items: Counter[str] = Counter()
        """Images by outcome: ok, or the code of the error."""
        self.status: int | None = None
        self.bytes_in = 0
        self.bytes_out = 0
        self._began = perf_counter()

    def seconds(self) -> float:
        """Since it came."""
        return perf_counter() - self._began

    def line(self) -> dict[str, Any]:
        """What the log says about it; never a header's, a form's or a file's content."""
        return {
            "request": self.id,
            "method": self.method,
            "path": self.path[:200],
            "status": self.status,
            "milliseconds": round(1000 * self.seconds(), 1),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "images": dict(self.items),
        }


_CURRENT: ContextVar[Call | None] = ContextVar("call", default=None)
_JOB: ContextVar[str | None] = ContextVar("job", default=None)


def current_call() -> Call | None:
    """The call that the running task is part of; None outside any."""
    return _CURRENT.get()


@contextmanager
def entered(call: Call) -> Iterator[None]:
    """Make it the current call of what is started inside."""
    token = _CURRENT.set(call)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_job() -> str | None:
    """The id of the job that the running task works for; None outside any."""
    return _JOB.get()


@contextmanager
def working_for(job: str) -> Iterator[None]:
    """Put the images begun inside into the one line of this job in the queues of the graphs."""
    token = _JOB.set(job)
    try:
        yield
    finally:
        _JOB.reset(token)
