"""The results of a job so far, as lines or as a ZIP: its items' answers, one after the other."""

import asyncio
import json
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from typing import IO

from service.http import answers
from service.http.forms import MOST_LISTED
from service.http.spool import Share
from service.jobs.rows import Job
from service.jobs.store import JobStore
from service.schemas.objects import ObjectAnswer, ReconstructAnswer, Summary
from service.schemas.photographs import ImageAnswer

DONE = ("ok", "error")
LINES_AT_A_TIME = 16
"""Items whose answers are asked for at once."""


async def lines(store: JobStore, job: Job) -> AsyncIterator[bytes]:
    """The lines of each item that has ended, in order, and the summary."""
    images: Counter[str] = Counter()
    first = 0
    while items := await asyncio.to_thread(store.items, job.id, first, LINES_AT_A_TIME, DONE):
        for item in items:
            content = await asyncio.to_thread(store.answer, item)
            if item.members:
                *entries, _ = content.split(b"\n")
                images.update(json.loads(entry)["status"] for entry in entries)
            else:
                images[item.state] += 1
            yield content + b"\n"
        first = items[-1].number + 1
    yield Summary(succeeded=images["ok"], failed=images["error"]).to_json() + b"\n"


def pack(store: JobStore, job: Job, file: IO[bytes], share: Share) -> None:
    """The results as a ZIP; one item's files are in memory at a time.

    `share`: is told of bytes before they are written.
    """
    images: list[ImageAnswer] = []
    objects: list[ObjectAnswer] = []
    first = 0
    with zipfile.ZipFile(file, "w") as archive:
        while items := store.items(job.id, first, MOST_LISTED, DONE):
            for item in items:
                content = store.answer(item)
                # Files are shorter than in base64.
                share.take(len(content))
                entries = content.split(b"\n")
                if item.members:
                    whole = ObjectAnswer.model_validate_json(entries.pop())
                    objects.append(_write(archive, whole))
                for entry in entries:
                    images.append(_write(archive, ImageAnswer.model_validate_json(entry)))
            first = items[-1].number + 1
        images.sort(key=lambda entry: entry.index)
        of_objects = job.options.get("objects", "none") != "none"
        answer = ReconstructAnswer.of(images, objects if of_objects else None)
        answers.write_member(archive, answers.answer_file(answer))
    file.seek(0, 2)


def _write(archive: zipfile.ZipFile, entry: answers.Entry) -> answers.Entry:
    """Write the files of an entry; it has their names then."""
    short, files = answers.split(entry)
    for file in files:
        answers.write_member(archive, file)
    return short


async def chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    """The content of a file from where it stands."""
    while chunk := await asyncio.to_thread(file.read, 1 << 18):
        yield chunk
