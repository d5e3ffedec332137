"""The routes of jobs: batches that are too large to wait for.

POST   /v1/jobs               files or a ZIP (multipart) → the job; once for an Idempotency-Key
GET    /v1/jobs/{id}          progress, and the outcome of every item so far
GET    /v1/jobs/{id}/results  the answers so far, as ZIP or lines
DELETE /v1/jobs/{id}          cancel; once it has ended, delete its results
"""

import asyncio
import functools
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.errors import RequestError
from service.http import answers, job_results
from service.http.forms import ItemsPage, JobForm
from service.http.idempotency import key_of
from service.http.requests import (
    MEBIBYTE,
    NoQuery,
    accepted,
    engine_of,
    open_form,
    read_fields,
    read_query,
)  # fmt: skip
from service.jobs.rows import Item, Job
from service.jobs.worker import Jobs
from service.jobs.zip_upload import read_zip
from service.schemas import photographs as schemas
from service.schemas.jobs import JobAnswer, JobItem, JobOptions
from service.schemas.photographs import Upload
from service.settings import Settings
from service.store.folder import FolderTaken
from service.threads import to_its_end

STATES = ("waiting", "ok", "error")
KINDS = (answers.ZIP, answers.LINES)


async def create(request: Request) -> Response:
    """POST /v1/jobs."""
    jobs, settings = _jobs(request), engine_of(request.app).settings
    read_query(request, NoQuery)
    async with AsyncExitStack() as held:
        parts = await open_form(request, JobForm, 2 * settings.largest_job, settings.largest_job)
        held.push_async_callback(parts.close)
        sent = parts.multi_items()
        options = await asyncio.to_thread(read_fields, JobForm, sent)
        key = await to_its_end(functools.partial(key_of, request.headers, sent))
        images = _Images(options, settings)
        job = await jobs.create(options.grouping(), images, key)
    headers = {"Location": f"/v1/jobs/{job.id}"}
    return _answer(jobs, job, [], 202, headers, left_out=images.left_out)


async def look(request: Request) -> Response:
    """GET /v1/jobs/{id}."""
    jobs = _jobs(request)
    job = await _find(jobs, request.path_params["id"])
    page = read_query(request, ItemsPage)
    items = await asyncio.to_thread(jobs.store.items, job.id, page.first, page.limit, STATES)
    return _answer(jobs, job, items)


async def results(request: Request) -> Response:
    """GET /v1/jobs/{id}/results."""
    jobs = _jobs(request)
    read_query(request, NoQuery)
    job = await _find(jobs, request.path_params["id"])
    if answers.choose(accepted(request), KINDS) == answers.LINES:
        return answers.Stream(job_results.lines(jobs.store, job), AsyncExitStack())
    async with AsyncExitStack() as held:
        share = held.enter_context(request.app.state.spool.share())
        file = held.enter_context(tempfile.TemporaryFile())
        try:
            await to_its_end(functools.partial(job_results.pack, jobs.store, job, file, share))
        except FileNotFoundError:  # deleted meanwhile
            raise _unknown(job.id) from None
        headers = {
            "Content-Length": str(file.tell()),
            "Content-Disposition": f'attachment; filename="{job.id}.zip"',
        }
        file.seek(0)
        return answers.Stream(job_results.chunks(file), held.pop_all(), answers.ZIP, headers)


async def delete(request: Request) -> Response:
    """DELETE /v1/jobs/{id}."""
    jobs = _jobs(request)
    read_query(request, NoQuery)
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
    if isinstance(jobs, Exception):
        message = (
            f"{jobs}: send again, or set INVERSE_GRAPHICS_JOBS_FOLDER to a folder of its own"
            if isinstance(jobs, FolderTaken)
            else "the store that the replicas share does not answer yet: send again"
        )
        raise RequestError(503, "no_jobs", message, retry_after_seconds=5)
    return jobs


async def _find(jobs: Jobs, identity: str) -> Job:
    job = await asyncio.to_thread(jobs.store.job, identity)
    if job is None:
        raise _unknown(identity)
    return job


def _unknown(identity: str) -> RequestError:
    message = f"there is no job {identity[:40]!r}: it was deleted, or is over"
    return RequestError(404, "unknown_job", message)


class _Images:
    """The images of a form, or those of its archive, which is opened when they are asked for."""

    def __init__(self, sent: JobForm, settings: Settings) -> None:
        self._sent, self._settings = sent, settings
        self.left_out: int | None = None
        """Files of the archive that systems added; None: there is none, or it was not opened."""

    def __iter__(self) -> Iterator[Upload]:
        sent, largest = self._sent, self._settings.largest_job
        if sent.archive is None:
            yield from sent.with_objects(sent.uploads(largest))
            return
        if sent.images or sent.masks:
            message = "send one ZIP file in field archive, or files in field images"
            raise RequestError(400, "invalid_field", message)
        limit = self._settings.jobs_limit_mebibytes * MEBIBYTE
        images, self.left_out = read_zip(sent.archive.file, largest, limit)
        yield from sent.with_objects(sent.with_boxes(images))


def _answer(
    jobs: Jobs,
    job: Job,
    items: list[Item],
    status: int = 200,
    headers: dict | None = None,
    *,
    left_out: int | None = None,
) -> Response:
    waiting, fine, failed = (job.counts.get(state, 0) for state in STATES)
    total = waiting + fine + failed
    keep = jobs.keep_seconds
    answer = JobAnswer(
        id=job.id,
        state=job.state,
        total=total,
        left_out=left_out,
        waiting=waiting,
        succeeded=fine,
        failed=failed,
        progress=round((fine + failed) / total, 4),
        eta_seconds=jobs.eta_seconds(job) if job.state == "running" else None,
        created_at=_time(job.created),
        finished_at=None if job.finished is None else _time(job.finished),
        expires_at=None if job.finished is None else _time(job.finished + keep),
        options=JobOptions(**job.options),
        results=f"/v1/jobs/{job.id}/results",
        items=[_item(item) for item in items],
    )
    return answers.as_json(answer, status, headers)


def _item(item: Item) -> JobItem:
    error = None
    if item.state == "error":
        error = schemas.Problem(code=item.code or "", message=item.message or "")
    return JobItem(index=item.number, name=item.name, status=item.state, error=error)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
