"""What an earlier process left, brought into order before anything is done with it."""

import contextlib
import functools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from service.errors import ItemError
from service.jobs import uploads
from service.jobs.database import Database
from service.jobs.ended import Ended
from service.jobs.uploads import Packing
from service.schemas.photographs import Upload

LOOSE = ("image", "mask", "box", "refused")
"""Files of one upload in 0.1.0: `<index>.<kind>`."""


def adopt(folder: Path, database: Database) -> None:
    """Take over the jobs of 0.1.0, which kept each upload in files of its own."""
    find = "SELECT id, state FROM jobs WHERE id NOT IN (SELECT job FROM sizes)"
    for job, state in database.execute(find):
        if not (folder / job).is_dir():
            continue  # deleted
        waiting = _waiting(folder / job, database, job) if state == "running" else []
        packing = Packing(folder / job, lambda size: None)
        rows = [(job, number, *packing.add(item)) for number, item in waiting]
        packing.close()
        held = sum(path.stat().st_size for path in _kept(folder / job))
        with database.transaction() as connection:
            connection.executemany(uploads.INSERT, rows)
            connection.execute("INSERT INTO sizes (job, bytes) VALUES (?, ?)", (job, held))
        for kind in LOOSE:
            for path in (folder / job).glob(f"*.{kind}"):
                path.unlink()


def settle(folder: Path, database: Database, ended: Ended, now: float) -> None:
    """Drop what belongs to no job, and end the jobs whose files say so.

    Those were cancelled or deleted when the database could not be written. `now`: seconds since
    1970.
    """
    states = dict(database.execute("SELECT id, state FROM jobs"))
    for path in folder.iterdir():
        if path.is_dir() and path.name not in states:
            shutil.rmtree(path, ignore_errors=True)
    for job, state in states.items():
        if not (folder / job).is_dir():
            ended.delete(job)
            continue
        find = "SELECT DISTINCT part FROM uploads WHERE job = ?"
        wanted = {uploads.path_of(folder / job, row[0]) for row in database.execute(find, job)}
        found = set((folder / job).glob("uploads.*"))
        for path in found - wanted:  # its last image was answered
            path.unlink()
        if state == "running" and wanted - found:
            ended.cancel(job, now)


def count(folder: Path, database: Database) -> int:
    """Bytes of the files of all jobs, as the database has them from here on.

    It was wrong where files went and it could not be told.
    """
    update = "UPDATE sizes SET bytes = ? WHERE job = ?"
    for job, counted in database.execute("SELECT job, bytes FROM sizes"):
        found = sum(path.stat().st_size for path in (folder / job).glob("*"))
        if found != counted:
            with contextlib.suppress(OSError):  # the disk is still full: the next start does it
                database.execute(update, found, job)
    return database.execute("SELECT COALESCE(SUM(bytes), 0) FROM sizes")[0][0]


def _waiting(folder: Path, database: Database, job: str) -> Iterator[tuple[int, Upload]]:
    find = "SELECT number, name, has_mask FROM items WHERE job = ? AND state = 'waiting'"
    for number, name, has_mask in database.execute(find, job):
        loose = {kind: folder / f"{number}.{kind}" for kind in LOOSE}
        read = functools.partial(_read, loose["image"], loose["refused"])
        read_mask = loose["mask"].read_bytes if has_mask else None
        box = json.loads(loose["box"].read_bytes()) if loose["box"].exists() else None
        yield number, Upload(name, read, read_mask, box)


def _read(path: Path, refused: Path) -> bytes:
    if refused.exists():
        raise ItemError(*json.loads(refused.read_bytes()))
    return path.read_bytes()


def _kept(folder: Path) -> Iterator[Path]:
    """All files but the loose ones."""
    suffixes = {f".{kind}" for kind in LOOSE}
    return (path for path in folder.iterdir() if path.suffix not in suffixes)
