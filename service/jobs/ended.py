"""Jobs that are cancelled or deleted, whether or not the database can be told."""

import logging
from threading import Lock
from typing import NamedTuple

from service.jobs import uploads
from service.jobs.rows import Job
from service.store.database import Statements
from service.store.opening import Store

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")


class _Late(NamedTuple):
    """What the database does not know yet."""

    cancelled: float | None
    """When, in seconds since 1970; None where the job is deleted."""
    freed: int
    """Bytes of the files that went."""


class Ended:
    """Ends jobs: in the database, so that all processes know, and then their files.

    Where the database cannot be written the files go first, which may free its full disk. What it
    still cannot take is remembered and written later; others, and a process that starts meanwhile,
    see by the files that are missing what was meant.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database
        self._files = store.files
        self._leases = store.leases
        self._late: dict[str, _Late] = {}
        self._lock = Lock()
        """Held while jobs are ended. Never taken inside a transaction."""

    def __contains__(self, identity: object) -> bool:
        return identity in self._late

    def is_deleted(self, identity: str) -> bool:
        """Whether it is, and the database does not know it yet."""
        late = self._late.get(identity)
        return late is not None and late.cancelled is None

    def seen(self, job: Job) -> Job | None:
        """A job of the database as it really stands; None where it is deleted."""
        late = self._late.get(job.id)
        if late is None:
            return job
        if late.cancelled is None:
            return None
        return job._replace(state="cancelled", finished=late.cancelled)

    def cancel(self, identity: str, now: float) -> None:
        """Drop what waits of a running job. `now`: seconds since 1970."""
        with self._lock:
            if identity in self._late:
                return
            late = _Late(now, 0)
            if not self._tell(identity, late):
                self._late[identity] = late._replace(freed=self._drop_uploads(identity))
                self._write(identity)

    def delete(self, identity: str) -> None:
        """Drop a job and its files."""
        with self._lock:
            late = _Late(None, 0)
            if self._tell(identity, late):
                self._late.pop(identity, None)
            else:
                self._late[identity] = late
                self._write(identity)

    def settle(self, identity: str, now: float) -> None:
        """End a job as its files say: without a folder it is deleted, without uploads cancelled.

        `now`: seconds since 1970.
        """
        if not self._files.has_folder(identity):
            self._store.check_files()
            self.delete(identity)
            return
        # A file goes after what names it: not in between.
        with self._database.transaction() as statements:
            self.hold(statements, identity)
            whole = all(
                self._files.size(uploads.name_of(identity, part)) is not None
                for part in _parts(statements, identity)
            )
        if not whole:
            self.cancel(identity, now)

    def clear(self, identity: str) -> None:
        """Where a job is deleted, drop what was written into its folder meanwhile.

        Called after whatever is written there. Nothing stays then: either the one who deletes finds
        the file, or the one who wrote it finds the job deleted.
        """
        if self.is_deleted(identity):
            with self._lock:
                self._write(identity)

    def write_down(self) -> None:
        """Tell the database what it could not take."""
        for identity in list(self._late):
            with self._lock:
                self._write(identity)

    def hold(self, statements: Statements, identity: str) -> None:
        """Let nobody else change what a job holds before the transaction ends.

        First of all in each transaction that changes a job, so that none waits for another which
        waits for it.
        """
        statements.execute(
            f"SELECT bytes FROM sizes WHERE job = ?{self._database.locking}", identity
        )

    def _write(self, identity: str) -> None:
        late = self._late.get(identity)
        if late is None:  # another thread was quicker
            return
        if late.cancelled is None:
            try:
                self._files.remove_folder(identity)
            except OSError as error:
                logger.warning("the files of job %s are dropped later: %s", identity, error)
                return
        if self._tell(identity, late):
            del self._late[identity]

    def _tell(self, identity: str, late: _Late) -> bool:
        """Whether the database knows; the files that are of no use then are dropped."""
        try:
            if late.cancelled is None:
                names = self._forget(identity)
            else:
                names = self._stop(identity, late.cancelled, late.freed)
        except OSError as error:
            logger.warning("the end of job %s is written down later: %s", identity, error)
            return False
        for name in names:
            self._leases.sweep(name)
        return True

    def _forget(self, identity: str) -> list[str]:
        with self._database.transaction() as statements:
            self.hold(statements, identity)
            statements.change("DELETE FROM jobs WHERE id = ?", identity)
            # Once nobody takes items of it any more.
            statements.change("DELETE FROM claims WHERE job = ?", identity)
            statements.change("DELETE FROM paces WHERE job = ?", identity)
            leave(statements, identity)
        return [identity]

    def _stop(self, identity: str, now: float, freed: int) -> list[str]:
        with self._database.transaction() as statements:
            self.hold(statements, identity)
            names = [uploads.name_of(identity, part) for part in _parts(statements, identity)]
            freed += sum(self._files.size(name) or 0 for name in names)
            update = "UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ? AND state = ?"
            statements.change(update, now, identity, "running")
            statements.change("DELETE FROM uploads WHERE job = ?", identity)
            statements.change("DELETE FROM claims WHERE job = ?", identity)
            statements.change("UPDATE sizes SET bytes = bytes - ? WHERE job = ?", freed, identity)
            for name in names:
                leave(statements, name)
        return names

    def _drop_uploads(self, identity: str) -> int:
        """Bytes of the files that went."""
        freed = 0
        try:
            # Not while an answer is noted, which may drop a file too.
            with self._database.transaction() as statements:
                self.hold(statements, identity)
                for part in _parts(statements, identity):
                    name = uploads.name_of(identity, part)
                    size = self._files.size(name) or 0
                    self._files.remove(name)
                    freed += size
        except OSError as error:
            logger.warning("the uploads of job %s are dropped later: %s", identity, error)
        return freed


def leave(statements: Statements, name: str) -> None:
    """Note that a folder or file belongs to no job any more."""
    statements.change(
        "INSERT INTO leftovers (name, process, bytes) VALUES (?, NULL, 0) "
        "ON CONFLICT (name) DO UPDATE SET process = NULL, bytes = 0",
        name,
    )


def _parts(statements: Statements, identity: str) -> list[int]:
    """The files of uploads of a running job."""
    find = (
        "SELECT DISTINCT part FROM uploads JOIN jobs ON id = job "
        "WHERE job = ? AND state = 'running'"
    )
    return [part for (part,) in statements.execute(find, identity)]
