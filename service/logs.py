"""The log of requests: one JSON object per line, on standard output."""

import json
import logging
import sys
from datetime import UTC, datetime

REQUESTS = logging.getLogger("inverse_graphics.requests")
"""What is logged with `extra` becomes the fields of the line."""
_KNOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLine(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, worker: int) -> None:
        """`worker`: the number of this process, from 1."""
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """`{"time": ISO 8601 in UTC, "worker": number, ...the record's own fields}`."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        own = {key: value for key, value in record.__dict__.items() if key not in _KNOWN}
        return json.dumps({"time": time, "worker": self._worker, **own}, ensure_ascii=True)


def start(worker: int) -> None:
    """Write to standard output from here on; BentoML's log goes to standard error.

    `worker`: the number of this process, from 1.
    """
    if REQUESTS.handlers:
        return
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLine(worker))
    REQUESTS.addHandler(handler)
    REQUESTS.setLevel(logging.INFO)
    REQUESTS.propagate = False
