"""The HTTP call, with its id and deadline, or the job that a running task works for.

Everything that a call starts can ask `CALL.get()`; what works for a job, `JOB.get()`.
"""

import asyncio
import re
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Any, TypeVar

ID_HEADER = "x-request-id"
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)
Value = TypeVar("Value")


class Call:
    """An HTTP call: its id, deadline, sizes and outcome."""

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
        """Seconds since it came."""
        return perf_counter() - self._began

    def line(self) -> dict[str, Any]:
        """Its fields in the log; never the content of a header, a form or a file."""
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


CALL: ContextVar[Call | None] = ContextVar("call", default=None)
"""The call that the running task is part of; None outside any."""
JOB: ContextVar[str | None] = ContextVar("job", default=None)
"""The id of the job that the running task works for, whose images stand in one line of the queues;
None outside any."""


@contextmanager
def inside(variable: ContextVar[Value], value: Value) -> Iterator[None]:
    """Give the variable this value in all that is started inside."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
