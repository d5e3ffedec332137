"""What the store says of a job and its images."""

from typing import Any, Literal, NamedTuple

JobState = Literal["running", "done", "cancelled"]
ItemState = Literal["waiting", "ok", "error"]


class Item(NamedTuple):
    """One image of a job."""

    job: str
    number: int
    """Index in the job, from 0."""
    name: str
    state: ItemState
    code: str | None
    message: str | None
    attempts: int
    """Times it was begun: several, and never finished, means that it took the process down."""


class Job(NamedTuple):
    """A job as it stands."""

    id: str
    state: JobState
    options: dict[str, Any]
    created: float
    """Seconds since 1970."""
    finished: float | None
    counts: dict[str, int]
    """Items by state."""


class Key(NamedTuple):
    """Names a POST, so that one sent again is no second job."""

    name: str
    """Digest of the client's key."""
    body: str
    """Digest of what came with it."""
