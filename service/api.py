"""The HTTP service. Beside it only requests, form and answers know HTTP.

    bentoml serve service.api:InverseGraphics

POST /v1/reconstruct   photographs (multipart) → meshes, cameras, masks
POST /v1/render        a reconstruction and cameras (JSON) → pictures, animations
POST /v1/edit          a photograph and what to change (multipart) → a new photograph
GET  /v1/reconstructions/{id}/mesh   service.http.mesh_api: a kept mesh as a file
     /v1/jobs          service.http.job_api: batches too large to wait for
GET  /v1/model         the manifest of the bundle
GET  /livez /readyz /healthz   BentoML's, with this service's readiness
GET  /metrics          service.metrics
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack
from itertools import chain
from typing import Any

import bentoml
from bentoml._internal.utils.analytics import usage_stats
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from graphics.camera import CONVENTION
from service import logs, metrics, siblings, workers
from service.errors import INTERNAL_ERROR
from service.http import answers, grouped, job_api, mesh_api, requests
from service.http.access import Access, AccessControl, CrossOrigin
from service.http.call_scope import CallScope, Refusals, TimeLimit
from service.http.forms import EditForm, ReconstructForm
from service.http.openapi import MountedService
from service.http.refused import HANDLERS
from service.http.spool import Spool
from service.imaging import animation
from service.jobs.store import JobStore
from service.jobs.worker import Jobs
from service.model import bundle
from service.model.segmenter_choice import ChosenSegmenter, choose_segmenter
from service.model.session import choose_provider
from service.pipeline import editing, reconstruction, rendering
from service.pipeline.engine import Engine
from service.pipeline.kept import fitting
from service.schemas import photographs as schemas
from service.schemas.objects import ReconstructAnswer, Summary
from service.schemas.rendering import RenderRequest
from service.settings import REQUEST_TIMEOUT_SECONDS, read_settings
from service.store.folder import FolderTaken
from service.store.opening import check_packages, open_store
from service.workers import DEAD_AFTER_SECONDS, Watch, check_workers

# `bentoml serve` has asked whether to send usage data, and remembers, before it loads this.
usage_stats.do_not_track.cache_clear()

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")


async def reconstruct(request: Request) -> Response:
    """POST /v1/reconstruct."""
    engine = requests.engine_of(request.app)
    engine.check_room(1)
    requests.read_query(request, requests.NoQuery)
    kind = answers.choose(requests.accepted(request), (*answers.KINDS, *mesh_api.ALONE))
    largest = engine.settings.largest_request
    async with AsyncExitStack() as held:
        # A mask for every image; its object's name, and images sent as text.
        parts = await requests.open_form(request, ReconstructForm, 2 * largest, 2 * largest)
        held.push_async_callback(parts.close)
        options = form = requests.read_fields(ReconstructForm, parts.multi_items())
        uploads = form.uploads(largest)
        form.check_links(kind in (answers.JSON, answers.LINES))
        groups = grouped.groups_of(form, uploads)
        if kind in mesh_api.ALONE:
            options = mesh_api.check_alone(kind, len(groups or uploads), form)
        held.enter_context(engine.admit(len(uploads)))
        if groups:
            return await grouped.answer(engine, kind, form, options, groups, held)
        answering = (
            reconstruction.answer(engine, index, upload, options, form.links)
            for index, upload in enumerate(uploads)
        )
        if kind == answers.LINES:
            return answers.Stream(_lines(answering), held.pop_all())
        # A single one needs no task of its own, and is quicker without.
        entries = [await next(answering)] if len(uploads) == 1 else await asyncio.gather(*answering)
        if kind in mesh_api.ALONE:
            return mesh_api.alone(entries[0])
        answer, status = _whole(entries)
        if kind == answers.JSON and len(entries) == 1:
            # Quicker than the way to the pool and back.
            return answers.pack(kind, answer, status)
        return await engine.in_pool(answers.pack, kind, answer, status)


async def render(request: Request) -> Response:
    """POST /v1/render."""
    engine = requests.engine_of(request.app)
    engine.check_room(1)
    requests.read_query(request, requests.NoQuery)
    requests.require_content_type(request, answers.JSON)
    body = await requests.read_body(request, engine.settings.json_limit_mebibytes)
    wanted = requests.validated(RenderRequest, body)
    moving = wanted.animation
    picture = answers.PNG if moving is None else animation.MEDIA_TYPES[moving.format]
    kind = answers.choose(requests.accepted(request), (answers.JSON, picture))
    answer = await rendering.render(engine, wanted)
    pictures = answer.images if answer.animation is None else [answer.animation.data]
    others = chain.from_iterable((answer.more_images or {}).values())
    return answers.one_file(kind, answer, [*pictures, *others])


async def edit(request: Request) -> Response:
    """POST /v1/edit."""
    engine = requests.engine_of(request.app)
    engine.check_room(1)
    requests.read_query(request, requests.NoQuery)
    kind = answers.choose(requests.accepted(request), (answers.JSON, answers.PNG))
    async with AsyncExitStack() as held:
        parts = await requests.open_form(request, EditForm, 2)
        held.push_async_callback(parts.close)
        sent = requests.read_fields(EditForm, parts.multi_items())
        answer = await editing.edit(engine, sent.upload, sent.changes)
    return answers.one_file(kind, answer, [answer.image])


async def model(request: Request) -> Response:
    """GET /v1/model."""
    engine = requests.engine_of(request.app)
    requests.read_query(request, requests.NoQuery)
    answer = schemas.ModelAnswer(
        manifest=engine.manifest.as_json(),
        licence=dict(engine.manifest.licence),
        metrics=dict(engine.manifest.metrics),
        camera_convention=CONVENTION,
        segmenter=_segmenter_facts(engine.segmenter.chosen),
        providers={runner.graph: runner.session.provider for runner in engine.runners},
    )
    return answers.as_json(answer)


def _segmenter_facts(chosen: ChosenSegmenter) -> schemas.SegmenterFacts:
    facts = {name: getattr(chosen, name) for name in schemas.SegmenterFacts.model_fields}
    return schemas.SegmenterFacts(**facts)


async def read_metrics(_: Request) -> Response:
    """GET /metrics, without a key."""
    text = await asyncio.to_thread(metrics.exposition)
    return Response(text, headers={"Content-Type": metrics.MEDIA_TYPE})


ROUTES = [
    Route("/v1/reconstruct", reconstruct, methods=["POST"]),
    Route("/v1/render", render, methods=["POST"]),
    Route("/v1/edit", edit, methods=["POST"]),
    *mesh_api.ROUTES,
    *job_api.ROUTES,
    Route("/v1/model", model, methods=["GET"]),
]

routes = Starlette(
    routes=ROUTES,
    middleware=[
        Middleware(CallScope),
        Middleware(CrossOrigin),
        Middleware(Refusals),
        Middleware(TimeLimit, seconds=REQUEST_TIMEOUT_SECONDS),
        Middleware(AccessControl),
        Middleware(requests.BodyLimit),
    ],
    exception_handlers=HANDLERS,
)
routes.router.redirect_slashes = False  # an answer to a form that is sent elsewhere helps nobody

metrics_routes = Starlette(routes=[Route("/metrics", read_metrics, methods=["GET"])])


@bentoml.service(
    name="inverse-graphics",
    service_class=MountedService,
    workers=workers.planned(),
    # Ours are in `service.metrics`.
    metrics={"enabled": False},
)
@bentoml.asgi_app(metrics_routes)
@bentoml.asgi_app(routes)
class InverseGraphics:
    """Photographs in, textured 3D meshes with their cameras out."""

    def __init__(self) -> None:
        """Load and warm up; nothing is answered before, so ready means ready."""
        settings, number = read_settings(), bentoml.server_context.worker_index or 1
        logs.start(number)
        self.siblings = siblings.join(number, len(settings.api_keys))
        self.engine = Engine(settings.share(self.siblings.count), self.siblings)
        self.watch = Watch(self.engine, self.siblings)
        self.jobs = _open_jobs(self.engine)
        routes.state.jobs = self.jobs
        routes.state.access = Access(settings, siblings=self.siblings)
        routes.state.spool = Spool(settings.spool_limit_mebibytes, self.siblings)
        routes.state.engine = self.engine
        # What is loaded by now stays: a full collection would stop all threads to look through it.
        gc.collect()
        gc.freeze()

    @bentoml.on_startup
    async def take_up(self) -> None:
        """Go on with the jobs of the last process, once it has let go of them."""
        self.opening = asyncio.create_task(self._take_up())
        self.watch.start()

    @bentoml.on_deployment
    def verify() -> None:
        """Refuse bad settings, workers, device, bundle or segmenter before anything is started."""
        settings = read_settings()
        check_packages(settings)
        choose_provider(settings.device)
        count = workers.count(settings)
        check_workers(InverseGraphics, count)
        choose_segmenter(settings.segmenter, bundle.load(settings.bundle))
        workers.name_server()
        if count > 1:
            workers.replace_in_containers()
            siblings.prepare(count)

    @bentoml.on_shutdown
    async def drain(self) -> None:
        """Answer what was accepted."""
        self.opening.cancel()
        self.watch.stop()
        if isinstance(self.jobs, Jobs):
            await self.jobs.close()
        await self.engine.close()

    async def _take_up(self) -> None:
        while isinstance(self.jobs, Exception):
            await asyncio.sleep(5)  # an older version still holds the folder while it drains
            self.jobs = routes.state.jobs = await asyncio.to_thread(_open_jobs, self.engine)
        self.jobs.start()

    async def __is_ready__(self) -> bool:
        """Only when all workers are: one that is missing leaves its part of the load to them."""
        return await self.engine.is_ready() and self.siblings.others_ready()

    def __is_alive__(self) -> bool:
        """Not where only a new process may help: an error of the GPU can outlast all runs."""
        return self.engine.broken_seconds() < DEAD_AFTER_SECONDS


def _open_jobs(engine: Engine) -> Jobs | FolderTaken | OSError:
    """The jobs, whose store keeps reconstructions too; why there are none, where it is not open."""
    limit = engine.settings.jobs_limit_mebibytes << 20
    try:
        store = open_store(engine.settings)
        jobs = Jobs(engine, JobStore(store, limit=limit))
    except (FolderTaken, OSError) as error:
        # The other routes need no store; those of jobs say what is wrong.
        logger.warning("no jobs: %s", error)
        return error
    engine.kept.share(store.files, fitting(engine.manifest))
    return jobs


async def _lines(
    answering: Iterable[Coroutine[Any, Any, schemas.ImageAnswer]],
) -> AsyncIterator[bytes]:
    """One line per image, as each finishes, and the summary."""
    tasks = [asyncio.ensure_future(one) for one in answering]
    succeeded = 0
    try:
        for next_one in asyncio.as_completed(tasks):
            entry = await next_one
            succeeded += entry.status == "ok"
            yield entry.to_json() + b"\n"
        summary = Summary(succeeded=succeeded, failed=len(tasks) - succeeded)
        yield summary.to_json() + b"\n"
    finally:
        for task in tasks:  # those of a client that has gone away
            task.cancel()


def _whole(entries: list[schemas.ImageAnswer]) -> tuple[ReconstructAnswer, int]:
    """The answer of a batch, and its HTTP status."""
    answer = ReconstructAnswer.of(entries)
    if not answer.failed:
        return answer, 200
    if answer.succeeded:
        return answer, 207
    ours = all(entry.error is not None and entry.error.code == INTERNAL_ERROR for entry in entries)
    return answer, 500 if ours else 422
