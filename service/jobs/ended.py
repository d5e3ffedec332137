"""Jobs that are cancelled or deleted, whether or not the database can be told."""

import logging
import shutil
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from service.jobs import uploads
from service.jobs.database import Database
from service.jobs.room import Room
from service.jobs.rows import Job

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")


class _Late(NamedTuple):
    """What the database does not know yet."""

    cancelled: float | None
    """When, in seconds since 1970; None where the job is deleted."""
    freed: int
    """Bytes of the files that went."""


class Ended:
    """Ends jobs: the files first, which frees a full disk for what the database writes.

    What it still cannot take is remembered and written later. A process that starts meanwhile sees
    by the files that are missing what was meant. A deleted job is forgotten once its folder is
    gone, into which nobody can write any more; until then who writes there sees that it is deleted.
    """

    def __init__(self, folder: Path, database: Database, room: Room) -> None:
        self._folder = folder
        self._database = database
        self._room = room
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
            freed = 0
            # Not while an answer is noted, which may drop a file too.
            with self._database.transaction() as database:
                find = "SELECT DISTINCT part FROM uploads WHERE job = ?"
                for (part,) in database.execute(find, (identity,)).fetchall():
                    freed += _remove(uploads.path_of(self._folder / identity, part))
            self._late[identity] = _Late(now, freed)
            self._write(identity)

    def delete(self, identity: str) -> None:
        """Drop a job and its files."""
        with self._lock:
            self._late[identity] = _Late(None, 0)
            self._write(identity)

    def settle(self, identity: str, now: float) -> None:
        """End a job as its files say: without a folder it is deleted, without uploads cancelled.

        `now`: seconds since 1970.
        """
        folder = self._folder / identity
        if not folder.is_dir():
            self.delete(identity)
            return
        find = (
            "SELECT DISTINCT part FROM uploads JOIN jobs ON id = job "
            "WHERE job = ? AND state = 'running'"
        )
        # A file goes after what names it: not in between.
        with self._database.transaction() as database:
            parts = database.execute(find, (identity,)).fetchall()
            whole = all(uploads.path_of(folder, part).exists() for (part,) in parts)
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

    def _write(self, identity: str) -> None:
        late = self._late.get(identity)
        if late is None:  # another thread was quicker
            return
        try:
            if late.cancelled is None:
                remove_folder(self._folder / identity)
                freed = self._forget(identity)
            else:
                freed = self._stop(identity, late)
        except OSError as error:
            logger.warning("the end of job %s is written down later: %s", identity, error)
            return
        self._room.give(freed)
        del self._late[identity]

    def _forget(self, identity: str) -> int:
        with self._database.transaction() as database:
            find = "SELECT bytes FROM sizes WHERE job = ?"
            rows = database.execute(find, (identity,)).fetchall()
            database.execute("DELETE FROM jobs WHERE id = ?", (identity,))
        return sum(row[0] for row in rows)

    def _stop(self, identity: str, late: _Late) -> int:
        with self._database.transaction() as database:
            database.execute(
                "UPDATE jobs SET state = 'cancelled', finished = ? "
                "WHERE id = ? AND state = 'running'",
                (late.cancelled, identity),
            )
            database.execute("DELETE FROM uploads WHERE job = ?", (identity,))
            update = "UPDATE sizes SET bytes = bytes - ? WHERE job = ?"
            counted = database.execute(update, (late.freed, identity)).rowcount
        return late.freed if counted else 0


def _remove(path: Path) -> int:
    """Bytes of a file that was there and is no more."""
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size


def remove_folder(folder: Path) -> None:
    """A folder with all in it; raises `OSError` where it stays, as when a file is just written."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(FileNotFoundError):
        folder.rmdir()  # says why it is still there
