"""Opens the store: embedded, for the processes of one machine, or shared by replicas."""

import fcntl
import secrets
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from service.errors import StoreFailed
from service.settings import PREFIX, Settings
from service.store.database import Database
from service.store.files import Files
from service.store.folder import Folder, FolderTaken, open_lock
from service.store.leases import Leases
from service.store.sqlite import SQLite

LEASE_SECONDS = 30.0
WAIT_SECONDS = 3.0
"""For which a process waits until another one has brought the folder into order."""
MARK = "inverse-graphics-store"
"""File that says to which database the others belong."""


class Store:
    """A database, a place for files, and the lease of this process.

    `join` has to be called before anything is done.
    """

    def __init__(self, database: Database, files: Files, lease_seconds: float, name: str) -> None:
        """`name`: what people are told of it."""
        self.database = database
        self.files = files
        self.leases = Leases(database, files, lease_seconds)
        self.name = name

    def join(self) -> None:
        """Live: from here on others see this process."""
        self.leases.start()

    def check_files(self) -> None:
        """Raise `OSError` where the files are not there at all, as where a disk is not mounted."""

    def close(self) -> None:
        """Let others have what this process worked on."""
        self.leases.close()
        self.database.close()


class EmbeddedStore(Store):
    """SQLite in a folder, and files beside it.

    Every process shares the folder's lock while it lives. One that has it alone may bring the
    folder into order; versions before 0.2.0 hold it alone all the time.
    """

    def __init__(self, folder: Path, lease_seconds: float = LEASE_SECONDS) -> None:
        """Raises `FolderTaken` where the folder cannot be written, or an older version has it."""
        self.folder = folder
        with ExitStack() as opened:
            self._lock = opened.enter_context(open_lock(folder))
            self.alone = self._take_lock()
            try:
                database = SQLite(folder / "jobs.sqlite3")
                opened.callback(database.close)
                if self.alone:
                    self._forget_the_dead(database)
            except OSError as error:
                raise FolderTaken(f"{folder} cannot be written ({error})") from error
            super().__init__(database, Folder(folder), lease_seconds, str(folder))
            opened.pop_all()  # stays open

    def join(self) -> None:
        """Live, and let others in: `alone` is no more."""
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        self.alone = False
        super().join()

    def close(self) -> None:
        """Let others have what this process worked on."""
        super().close()
        self._lock.close()

    def abandon(self) -> None:
        """Close what never joined."""
        self.database.close()
        self._lock.close()

    def _take_lock(self) -> bool:
        """Whether this process is the only one."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
                try:
                    fcntl.flock(self._lock, kind | fcntl.LOCK_NB)
                    return kind == fcntl.LOCK_EX
                except BlockingIOError:
                    pass
            if time.monotonic() >= deadline:
                raise FolderTaken(
                    f"{self.folder} is in use by another process, which brings it into order or is "
                    "of an older version"
                )
            time.sleep(0.02)

    @staticmethod
    def _forget_the_dead(database: Database) -> None:
        if database.execute("SELECT 1 FROM processes LIMIT 1"):
            database.change("DELETE FROM processes")


class SharedStore(Store):
    """PostgreSQL, and files in a folder or an object store that all replicas reach.

    A file at that place says which database they belong to: a replica that is set up with others
    would take all jobs for deleted.
    """

    def __init__(self, database: Database, files: Files, lease_seconds: float, name: str) -> None:
        """Raises `StoreFailed` where the files are another database's, or not there."""
        super().__init__(database, files, lease_seconds, name)
        with database.alone("schema") as statements:
            rows = statements.execute("SELECT id FROM stores")
            if not rows:
                rows = [(secrets.token_hex(16),)]
                files.write(MARK, rows[0][0].encode())
                statements.change("INSERT INTO stores (id) VALUES (?)", rows[0][0])
        self._identity = rows[0][0].encode()
        self.check_files()

    def check_files(self) -> None:
        """Raise `StoreFailed` where the files are another database's, or not there."""
        try:
            found = self.files.read(MARK)
        except FileNotFoundError:
            found = None
        if found != self._identity:
            raise StoreFailed(
                f"{self.name} {'has no file' if found is None else 'has another file'} {MARK} than "
                f"the database names: give all replicas the same {PREFIX}STORE and {PREFIX}FILES"
            )


def open_store(settings: Settings) -> Store:
    """The store of the settings. Raises `FolderTaken`, and `OSError` where a shared one fails."""
    if not settings.store:
        return EmbeddedStore(settings.jobs_path, settings.lease_seconds)
    from service.store.postgres import PostgreSQL

    files = _files(settings.files)
    database = PostgreSQL(settings.store)
    try:
        return SharedStore(database, files, settings.lease_seconds, settings.files)
    except BaseException:
        database.close()
        raise


def check_packages(settings: Settings) -> None:
    """Raise `ValueError` where a shared store is set and its packages are not installed."""
    needed = ("psycopg", "psycopg_pool", "obstore") if settings.store else ()
    if missing := [name for name in needed if find_spec(name) is None]:
        raise ValueError(
            f"{PREFIX}STORE is set, which needs {', '.join(missing)}: install this project with "
            "its extra `shared`, as in pip install '.[cpu,shared]'"
        )


def _files(address: str) -> Files:
    if not address.startswith("file://"):
        from service.store.objects import Objects

        return Objects(address)
    path = Path(unquote(urlsplit(address).path))
    path.mkdir(parents=True, exist_ok=True)
    return Folder(path)
