"""Who of the processes lives: each renews a lease, and what the dead were about is free again."""

import logging
import secrets
import threading

from service.store.database import Database, Statements
from service.store.files import Files

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

RENEWALS = 3
"""Times that a lease is renewed before it would end."""


class Leases:
    """The lease of this process, renewed by a thread of its own: a busy event loop is no death.

    A process that is stopped for longer than its lease loses its claims, but harms nothing: who
    writes down an item's end says which attempt it was.
    """

    def __init__(self, database: Database, files: Files, seconds: float) -> None:
        """`seconds`: how long a process may be silent."""
        self.process = secrets.token_hex(8)
        self.seconds = seconds
        self._database = database
        self._files = files
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._failed = False
        self._late: set[str] = set()
        """Folders given up that are still noted as being made."""

    def start(self) -> None:
        """From here on others see this process."""
        with self._database.transaction() as statements:
            # Nobody has worked on anything for a while: what is slow is not the same as before.
            find = f"SELECT 1 FROM processes WHERE until > {self._database.now} LIMIT 1"
            if not statements.execute(find):
                statements.change("DELETE FROM paces")
            self.renew(statements)
        self._thread.start()

    def renew(self, statements: Statements) -> None:
        """Live for another while, in the transaction of something else."""
        until = f"{self._database.now} + ?"
        statements.change(
            f"INSERT INTO processes (id, until) VALUES (?, {until}) "
            "ON CONFLICT (id) DO UPDATE SET until = excluded.until",
            *(self.process, self.seconds),
        )

    def tidy(self) -> None:
        """Free what the dead had claimed, and drop the files that belong to no job."""
        over = f"until <= {self._database.now} AND id != ?"
        if self._database.execute(f"SELECT 1 FROM processes WHERE {over} LIMIT 1", self.process):
            dead = self._database.change(f"DELETE FROM processes WHERE {over}", self.process)
            logger.warning("%d processes ended without a word: their work is done again", dead)
        for name in list(self._late):
            self.give_up(name)
        find = "SELECT name FROM leftovers WHERE process IS NULL"
        for (name,) in self._database.execute(find):
            self.sweep(name)

    def sweep(self, name: str) -> None:
        """Drop a folder or file that belongs to no job, where it is one and can be dropped."""
        find = "SELECT 1 FROM leftovers WHERE name = ? AND process IS NULL"
        try:
            if self._database.execute(find, name):
                drop(self._files, name)
                self._database.change("DELETE FROM leftovers WHERE name = ?", name)
        except OSError as error:
            logger.warning("%s is dropped later: %s", name, error)

    def give_up(self, name: str) -> None:
        """Drop a folder that this process was making; later, where it cannot be told now."""
        try:
            # First, which frees a full disk for what the database writes.
            drop(self._files, name)
            self._database.change("DELETE FROM leftovers WHERE name = ?", name)
        except OSError as error:
            logger.warning("%s is dropped later: %s", name, error)
            self._late.add(name)
        else:
            self._late.discard(name)

    def close(self) -> None:
        """Let others have what this process had claimed."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self._database.change("DELETE FROM processes WHERE id = ?", self.process)
        except OSError as error:
            logger.warning("the lease ends by itself in %g s: %s", self.seconds, error)

    def _keep(self) -> None:
        while not self._closing.wait(self.seconds / RENEWALS):
            try:
                with self._database.transaction() as statements:
                    self.renew(statements)
            except OSError as error:
                if not self._failed:
                    logger.warning("the lease of this process cannot be renewed: %s", error)
                self._failed = True
            else:
                self._failed = False


def drop(files: Files, name: str) -> None:
    """A file, where the name has one of a folder before it, else a folder."""
    if "/" in name:
        files.remove(name)
    else:
        files.remove_folder(name)
