"""The routes of jobs: batches that are too large to wait for.

POST   /v1/jobs               files or a ZIP (multipart) → the job
GET    /v1/jobs/{id}          progress, and the outcome of every image so far
GET    /v1/jobs/{id}/results  the answers so far, as ZIP or lines
DELETE /v1/jobs/{id}          cancel; once it has ended, delete its results
"""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import IO

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.errors import RequestError
from service.http import accept, answers, form
from service.http.requests import MEBIBYTE, engine_of, require_content_type
from service.jobs.files import FolderTaken, NewItem
from service.jobs.store import Item, Job
from service.jobs.worker import Jobs
from service.jobs.zip_upload import read_zip
from service.pipeline.reconstruction import Options
from service.schemas import photographs as schemas
from service.schemas.jobs import JobAnswer, JobItem

FIELDS = (*form.FIELDS, "archive")
MOST_LISTED = 1000
"""Items in one answer."""
CHUNK = 1 << 18
"""Bytes."""
DONE = ("ok", "error")
EVERY = ("waiting", *DONE)
KINDS = (answers.ZIP, answers.LINES)


async def create(request: Request) -> Response:
    """POST /v1/jobs."""
    jobs, largest = _jobs(request), engine_of(request.app).settings.largest_job
    require_content_type(request, "multipart/form-data")
    async with AsyncExitStack() as held:
        parts = await form.open_form(request, 2 * largest, len(FIELDS))
        held.push_async_callback(parts.close)
        items, options, size = await asyncio.to_thread(_read, request, parts, largest)
        identity = await jobs.create(options, items, size)
    headers = {"Location": f"/v1/jobs/{identity}"}
    return _answer(jobs, await _find(jobs, identity), [], 202, headers)


async def look(request: Request) -> Response:
    """GET /v1/jobs/{id}."""
    jobs = _jobs(request)
    job = await _find(jobs, request.path_params["id"])
    first = _number(request, "first", 0, 0, 2**31)
    limit = _number(request, "limit", MOST_LISTED, 1, MOST_LISTED)
    items = await asyncio.to_thread(jobs.store.items, job.id, first, limit, EVERY)
    return _answer(jobs, job, items)


async def results(request: Request) -> Response:
    """GET /v1/jobs/{id}/results."""
    jobs = _jobs(request)
    job = await _find(jobs, request.path_params["id"])
    if accept.choose(request.headers.get("accept"), KINDS) == answers.LINES:
        return answers.Stream(_lines(jobs, job), AsyncExitStack())
    async with AsyncExitStack() as held:
        file = held.enter_context(tempfile.TemporaryFile())
        await asyncio.to_thread(_pack, jobs, job, file)
        headers = {
            "Content-Length": str(file.tell()),
            "Content-Disposition": f'attachment; filename="{job.id}.zip"',
        }
        file.seek(0)
        return answers.Stream(_chunks(file), held.pop_all(), answers.ZIP, headers)


async def delete(request: Request) -> Response:
    """DELETE /v1/jobs/{id}."""
    jobs = _jobs(request)
    job = await _find(jobs, request.path_params["id"])
    if job.state != "running":
        await asyncio.to_thread(jobs.store.delete, job.id)
        return _answer(jobs, job, [])
    await asyncio.to_thread(jobs.store.cancel, job.id)
    return _answer(jobs, await _find(jobs, job.id), [])


ROUTES = [
    Route("/v1/jobs", create, methods=["POST"]),
    Route("/v1/jobs/{id}", look, methods=["GET"]),
    Route("/v1/jobs/{id}", delete, methods=["DELETE"]),
    Route("/v1/jobs/{id}/results", results, methods=["GET"]),
]


def _jobs(request: Request) -> Jobs:
    engine_of(request.app)
    jobs = request.app.state.jobs
    if isinstance(jobs, FolderTaken):
        raise RequestError(
            503,
            "no_jobs",
            f"{jobs}: send again, or set INVERSE_GRAPHICS_JOBS_FOLDER to a folder of its own",
            retry_after_seconds=5,
        )
    return jobs


async def _find(jobs: Jobs, identity: str) -> Job:
    job = await asyncio.to_thread(jobs.store.job, identity)
    if job is None:
        raise RequestError(
            404, "unknown_job", f"there is no job {identity[:40]!r}: it was deleted, or is over"
        )
    return job


def _read(request: Request, parts: FormData, largest: int) -> tuple[list[NewItem], Options, int]:
    """The images of a form or its archive, the options, and the bytes they come to."""
    archives = [value for field, value in parts.multi_items() if field == "archive"]
    others = FormData([pair for pair in parts.multi_items() if pair[0] != "archive"])
    if not archives:
        uploads, options, _ = form.read_form(others, largest)
        items = [NewItem(one.name, one.read, one.read_mask) for one in uploads]
        size = sum(value.size or 0 for _, value in parts.multi_items() if _is_file(value))
        return items, options, size
    (archive,) = archives if len(archives) == 1 else (None,)
    if not isinstance(archive, UploadFile) or "images" in others or "masks" in others:
        raise RequestError(
            400, "invalid_field", "send one ZIP file in field archive, or files in field images"
        )
    texts: dict[str, str] = {}
    for field, value in others.multi_items():
        form.add_text(texts, FIELDS, field, value)
    limit = engine_of(request.app).settings.jobs_limit_mebibytes * MEBIBYTE
    items = read_zip(archive.file, largest, limit)
    return items, form.read_options(texts), archive.size or 0


def _is_file(value: object) -> bool:
    return isinstance(value, UploadFile)


def _number(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
        raise RequestError(
            400, "invalid_query", f"{name} is {text[:80]!r}; it must be {low}..{high}"
        )
    return int(text)


def _answer(
    jobs: Jobs, job: Job, items: list[Item], status: int = 200, headers: dict | None = None
) -> Response:
    waiting, fine, failed = (job.counts.get(state, 0) for state in EVERY)
    total = waiting + fine + failed
    keep = jobs.keep_seconds
    answer = JobAnswer(
        id=job.id,
        state=job.state,
        total=total,
        waiting=waiting,
        succeeded=fine,
        failed=failed,
        progress=round((fine + failed) / total, 4),
        eta_seconds=jobs.eta_seconds(job.id, waiting) if job.state == "running" else None,
        created_at=_time(job.created),
        finished_at=None if job.finished is None else _time(job.finished),
        expires_at=None if job.finished is None else _time(job.finished + keep),
        options=job.options,
        results=f"/v1/jobs/{job.id}/results",
        items=[_item(item) for item in items],
    )
    return Response(answers.to_json(answer), status, headers, answers.JSON)


def _item(item: Item) -> JobItem:
    error = None
    if item.state == "error":
        error = schemas.Problem(code=item.code or "", message=item.message or "")
    return JobItem(index=item.number, name=item.name, status=item.state, error=error)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _lines(jobs: Jobs, job: Job) -> AsyncIterator[bytes]:
    """One line per finished image, in order, and the summary."""
    fine = failed = first = 0
    while items := await asyncio.to_thread(jobs.store.items, job.id, first, 16, DONE):
        for item in items:
            yield await asyncio.to_thread(jobs.store.read, item, "json") + b"\n"
            fine, failed = fine + (item.state == "ok"), failed + (item.state == "error")
        first = items[-1].number + 1
    yield answers.to_json(schemas.Summary(succeeded=fine, failed=failed)) + b"\n"


def _pack(jobs: Jobs, job: Job, file: IO[bytes]) -> None:
    """The results so far; one image's files are in memory at a time."""
    entries, first = [], 0
    with zipfile.ZipFile(file, "w") as archive:
        while items := jobs.store.items(job.id, first, MOST_LISTED, DONE):
            for item in items:
                content = jobs.store.read(item, "json")
                entry, files = answers.split(schemas.ImageAnswer.model_validate_json(content))
                entries.append(entry)
                for member in files:
                    answers.write_member(archive, member)
            first = items[-1].number + 1
        failed = sum(entry.status == "error" for entry in entries)
        answer = schemas.ReconstructAnswer(
            images=entries, succeeded=len(entries) - failed, failed=failed
        )
        head = answers.File(answers.ANSWER_FILE, answers.JSON, answers.to_json(answer))
        answers.write_member(archive, head)
    file.seek(0, 2)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk
