"""How much all jobs together may hold."""

import errno

from service.errors import RequestError
from service.store.database import Database, Statements
from service.store.leases import Leases

STEP_BYTES = 4 << 20
"""That a job which is being made asks for at a time: each time the others have to be counted."""
HELD = (
    "SELECT (SELECT COALESCE(SUM(bytes), 0) FROM sizes) + "
    "(SELECT COALESCE(SUM(bytes), 0) FROM leftovers)"
)


class JobsFull(RequestError):
    """What is to be kept is more than all jobs may hold."""

    def __init__(self, held: int, limit: int) -> None:
        message = (
            f"jobs hold {held >> 20} MiB, and with this one, unpacked, they would hold more than "
            f"the {limit >> 20} MiB allowed: delete jobs that are done, or send fewer images"
        )
        super().__init__(507, "jobs_full", message, retry_after_seconds=60)


class Room:
    """Bytes of the uploads and results of all jobs, by whichever process."""

    def __init__(self, database: Database, leases: Leases, limit: int) -> None:
        self.database = database
        self.leases = leases
        self.limit = limit

    def held(self) -> int:
        """Bytes, with those that jobs which are being made have asked for."""
        return int(self.database.execute(HELD)[0][0])

    def check(self, statements: Statements) -> None:
        """Raise `JobsFull` where it is more than allowed since this transaction began."""
        if (held := int(statements.execute(HELD)[0][0])) > self.limit:
            raise JobsFull(held, self.limit)

    def begin(self, job: str) -> "Reservation":
        """Room for a job that this process makes: its files are dropped where the process ends."""
        with self.database.transaction() as statements:
            self.leases.renew(statements)
            insert = "INSERT INTO leftovers (name, process, bytes) VALUES (?, ?, 0)"
            statements.change(insert, job, self.leases.process)
        return Reservation(self, job)


class Reservation:
    """Room that a job has while it is made."""

    def __init__(self, room: Room, job: str) -> None:
        self.taken = 0
        """Bytes."""
        self._room = room
        self._job = job
        self._reserved = 0

    def take(self, size: int) -> None:
        """Count bytes that are about to be written; raises `JobsFull`."""
        if self.taken + size > self._reserved:
            self._grow(self.taken + size - self._reserved)
        self.taken += size

    def settle(self, statements: Statements) -> None:
        """The files are those of a job: in the transaction that names it."""
        delete = "DELETE FROM leftovers WHERE name = ? AND process = ?"
        if not statements.change(delete, self._job, self._room.leases.process):
            raise self._lost()

    def _grow(self, least: int) -> None:
        room = self._room
        with room.database.alone("room") as statements:
            held = int(statements.execute(HELD)[0][0])
            if held + least > room.limit:
                raise JobsFull(held, room.limit)
            more = max(least, min(STEP_BYTES, room.limit - held))
            update = "UPDATE leftovers SET bytes = bytes + ? WHERE name = ? AND process = ?"
            if not statements.change(update, more, self._job, room.leases.process):
                raise self._lost()
        self._reserved += more

    def _lost(self) -> OSError:
        seconds = self._room.leases.seconds
        return OSError(
            errno.ETIMEDOUT,
            f"this process stood still for {seconds:g} s while it kept the job {self._job}, which "
            "another one dropped: send it again",
        )
