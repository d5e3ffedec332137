"""How much all jobs together may hold."""

import errno

from service.errors import RequestError
from service.store.database import Database, Statements
from service.store.leases import Leases

STEP_BYTES = 8 << 20
"""That a job which is being made asks for first; then it doubles what it has.

Each time the others have to be counted, and the disk waited for.
"""
LARGEST_STEP = 64 << 20
"""That it asks for at a time, at most: what it does not fill, others cannot."""
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
        with self.database.alone("room") as statements:
            self.leases.renew(statements)
            free = self.limit - int(statements.execute(HELD)[0][0])
            reserved = max(0, min(STEP_BYTES, free // 2))
            insert = "INSERT INTO leftovers (name, process, bytes) VALUES (?, ?, ?)"
            statements.change(insert, job, self.leases.process, reserved)
        return Reservation(self, job, reserved)


class Reservation:
    """Room that a job has while it is made."""

    def __init__(self, room: Room, job: str, reserved: int) -> None:
        """`reserved`: bytes that it may take without asking."""
        self.taken = 0
        """Bytes."""
        self._room = room
        self._job = job
        self._reserved = reserved

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
            step = min(max(STEP_BYTES, self._reserved), LARGEST_STEP)
            # What it may not fill is left to the results of others.
            more = max(least, min(step, (room.limit - held) // 2))
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
