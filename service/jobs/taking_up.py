"""What an earlier process left, brought into order before anything is done with it."""

import contextlib
import functools
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.errors import ItemError
from service.jobs import uploads
from service.jobs.ended import Ended
from service.jobs.rows import ITEM_COLUMNS, Item
from service.jobs.uploads import Packing
from service.schemas.options import ImageOptions
from service.schemas.photographs import Upload
from service.store.database import Database
from service.store.folder import Folder, remove_folder

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

JOB = re.compile("[0-9a-f]{32}")
"""Names of our folders: others may keep theirs beside them."""
LOOSE = ("image", "mask", "box", "refused")
"""Files of one upload in 0.1.0: `<index>.<kind>`."""


def adopt(folder: Path, database: Database) -> None:
    """Take over the jobs of 0.1.0, which kept each upload in files of its own."""
    find = "SELECT id, state, options FROM jobs WHERE id NOT IN (SELECT job FROM sizes)"
    for job, state, options in database.execute(find):
        if not (folder / job).is_dir():
            continue  # deleted
        rows = _pack(folder / job, database, job) if state == "running" else []
        with database.transaction() as statements:
            statements.insert(uploads.INSERT, rows)
            known = json.dumps(_known_options(job, json.loads(options)))
            statements.change("UPDATE jobs SET options = ? WHERE id = ?", known, job)
            # `settle` drops the loose files, and `count` counts the others.
            statements.change("INSERT INTO sizes (job, bytes) VALUES (?, 0)", job)


def settle(folder: Path, database: Database, ended: Ended, now: float) -> None:
    """Drop what belongs to no job, and end the jobs whose files say so.

    Those were cancelled or deleted when the database could not be written. `now`: seconds since
    1970.
    """
    jobs = {row[0] for row in database.execute("SELECT id FROM jobs")}
    for path in folder.iterdir():
        if JOB.fullmatch(path.name) and path.name not in jobs:
            with contextlib.suppress(OSError):  # the next start tries again
                remove_folder(path)
    for job in jobs:
        ended.settle(job, now)
        if (folder / job).is_dir():
            _drop_unnamed(folder / job, database, job)


def _drop_unnamed(folder: Path, database: Database, job: str) -> None:
    """What a process was about to write or to drop when it ended."""
    parts = database.execute("SELECT DISTINCT part FROM uploads WHERE job = ?", job)
    find = f"SELECT {ITEM_COLUMNS} FROM items WHERE job = ? AND state != 'waiting'"
    named = {uploads.name_of(job, part) for (part,) in parts}
    for item in map(Item._make, database.execute(find, job)):
        # Earlier versions knew the first name alone.
        names = (item.answer_name, item.first_answer_name)
        named.add(names[0] if (folder.parent / names[0]).exists() else names[1])
    for path in folder.iterdir():
        if f"{job}/{path.name}" not in named and not path.is_dir():
            path.unlink()


def count(folder: Path, database: Database) -> None:
    """Note the bytes of the files of all jobs.

    It was wrong where files went and it could not be told.
    """
    update = "UPDATE sizes SET bytes = ? WHERE job = ?"
    for job, counted in database.execute("SELECT job, bytes FROM sizes"):
        found = sum(path.stat().st_size for path in (folder / job).glob("*"))
        if found != counted:
            with contextlib.suppress(OSError):  # the disk is still full: the next start does it
                database.change(update, found, job)


def _pack(folder: Path, database: Database, job: str) -> list[tuple[Any, ...]]:
    """Write what waits into files of uploads; their rows."""
    packing = Packing(Folder(folder.parent), job, lambda size: None)
    try:
        waiting = _waiting(folder, database, job)
        rows = [(job, number, *packing.add(item)) for number, item in waiting]
        packing.close()
    except BaseException:
        packing.abandon()
        # The disk may be full, and is to stay as it was for the next try.
        for path in folder.glob("uploads.*"):
            path.unlink()
        raise
    return rows


def _waiting(folder: Path, database: Database, job: str) -> Iterator[tuple[int, Upload]]:
    find = "SELECT number, name, has_mask FROM items WHERE job = ? AND state = 'waiting'"
    for number, name, has_mask in database.execute(find, job):
        image, mask, box, refused = (folder / f"{number}.{kind}" for kind in LOOSE)
        read = functools.partial(_read, image, refused)
        read_mask = functools.partial(_read, mask, refused) if has_mask else None
        meant = json.loads(box.read_bytes()) if box.exists() else None
        yield number, Upload(name, read, read_mask, meant)


def _read(path: Path, refused: Path) -> bytes:
    if refused.exists():
        raise ItemError(*json.loads(refused.read_bytes()))
    try:
        return path.read_bytes()
    except FileNotFoundError:
        message = f"the job's folder has no file {path.name} any more: send the image again"
        raise ItemError("lost_upload", message) from None


def _known_options(job: str, options: dict[str, Any]) -> dict[str, Any]:
    """Without those that are refused today, as a size of the texture where the format has none."""
    try:
        ImageOptions(**options)
    except ValidationError as error:
        refused = {problem["loc"][0] for problem in error.errors()}
        logger.warning("job %s goes on without its options %s: %s", job, sorted(refused), error)
        return {name: value for name, value in options.items() if name not in refused}
    return options
