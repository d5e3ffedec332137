"""This service's batcher, middleware and mounting around the benchmark's graph."""

import asyncio
import functools
import gc
import os
from types import SimpleNamespace

import bentoml
import numpy as np
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from service.call import CALL
from service.http.access import Access, AccessControl
from service.http.call_scope import CallScope, TimeLimit
from service.http.openapi import MountedService
from service.http.requests import BodyLimit
from service.http.spool import Spool
from service.model.batcher import Batcher, Device
from service.model.binding import Ladder
from service.settings import REQUEST_TIMEOUT_SECONDS, read_settings
from service.siblings import Siblings
from tests.benchmarks.serving import wire
from tests.benchmarks.serving.session import open_graph


def run_as(form):
    """A route that takes and answers this form."""

    async def run(request):
        batcher, call = request.app.state.batcher, CALL.get()
        images = form.read_request(await request.body())
        found = await asyncio.gather(
            *(batcher.submit(image, call, call.deadline) for image in images)
        )
        return Response(form.write_answer(found), media_type=form.content_type)

    return Route(form.path, run, methods=["POST"])


routes = Starlette(
    routes=[run_as(wire.JSON), run_as(wire.BYTES)],
    middleware=[
        Middleware(CallScope),
        Middleware(TimeLimit, seconds=REQUEST_TIMEOUT_SECONDS),
        Middleware(AccessControl),
        Middleware(BodyLimit),
    ],
)


@bentoml.service(
    name="ours",
    service_class=MountedService,
    workers=1,
    metrics={"enabled": False},
)
@bentoml.asgi_app(routes)
class Ours:
    def __init__(self):
        device = os.environ["BENCHMARK_DEVICE"]
        open_session = functools.partial(
            open_graph,
            os.environ["BENCHMARK_GRAPH"],
            int(os.environ["BENCHMARK_THREADS"]),
            device,
        )
        run = open_session().run if device == "cpu" else Ladder(open_session, device, 32).run
        if device != "cpu":  # as the service's runners warm up
            for size in (1, 2, 4, 8, 16, 32):
                run(["outputs"], {"images": np.zeros((size, *wire.SHAPE), np.uint8)})

        def run_batch(items):
            (outputs,) = run(["outputs"], {"images": np.stack(items)})
            return [(np.array(output), len(items)) for output in outputs]

        settings = read_settings()
        routes.state.engine = SimpleNamespace(settings=settings, siblings=Siblings())
        routes.state.access = Access(settings)
        routes.state.spool = Spool(settings.spool_limit_mebibytes)
        routes.state.batcher = Batcher("graph", run_batch, Device(), 32, 1024)
        gc.collect()
        gc.freeze()
