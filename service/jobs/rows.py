"""What the store says of a job and its images."""

from typing import Any, Literal, NamedTuple

JobState = Literal["running", "done", "cancelled"]
ItemState = Literal["waiting", "ok", "error"]


class Item(NamedTuple):
    """What a job answers in one piece: an image, or an object with all its images."""

    job: str
    number: int
    """Index in the job, from 0."""
    name: str
    state: ItemState
    code: str | None
    message: str | None
    attempts: int
    """Times it was begun: several, and never finished, means that it took the process down. Who
    works on it is known by the number, too: whoever takes it over makes it one more."""
    members: int = 0
    """Images of an object; 0: the item is an image."""

    @property
    def images(self) -> int:
        """How many it holds."""
        return self.members or 1

    @property
    def answer_name(self) -> str:
        """Name of the file of its answer, which no other attempt writes."""
        if self.attempts <= 1:
            return self.first_answer_name
        return f"{self.job}/{self.number}.{self.attempts}.json"

    @property
    def first_answer_name(self) -> str:
        """Name of the file of an answer at the first attempt, and of any before 0.2.0."""
        return f"{self.job}/{self.number}.json"


COUNT_MEMBERS = (
    "(SELECT COUNT(*) FROM members WHERE members.job = items.job AND members.item = items.number)"
)
ITEM_COLUMNS = f"job, number, name, state, code, message, attempts, {COUNT_MEMBERS}"
"""Fields of an `Item`."""


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
    seconds: float | None = None
    """Since any process began to work on it; None: nobody did."""
    answered_before: int = 0
    """Items answered at that time."""


class Key(NamedTuple):
    """Names a POST, so that one sent again is no second job."""

    name: str
    """Digest of the client's key."""
    body: str
    """Digest of what came with it."""
