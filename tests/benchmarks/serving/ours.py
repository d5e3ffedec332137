"""This service's batcher, middleware and mounting around the benchmark's graph."""

import asyncio
import gc
import json
import os
from types import SimpleNamespace

import bentoml
import numpy as np
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from service.access import Access
from service.call import current_call
from service.http.access_control import AccessControl
from service.http.call_scope import CallScope
from service.http.mounted_service import MountedService
from service.http.requests import BodyLimit
from service.http.time_limit import TimeLimit
from service.inference.batcher import Batcher, Device
from service.settings import REQUEST_TIMEOUT_SECONDS, read_settings
from tests.benchmarks.serving import wire
from tests.benchmarks.serving.session import open_graph


async def run(request):
    """POST /run."""
    batcher, call = request.app.state.batcher, current_call()
    texts = json.loads(await request.body())["images"]
    found = await asyncio.gather(
        *(batcher.submit(wire.read_image(text), call, call.deadline) for text in texts)
    )
    return JSONResponse([wire.write_output(output, batch) for output, batch in found])


routes = Starlette(
    routes=[Route("/run", run, methods=["POST"])],
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
        session = open_graph(os.environ["BENCHMARK_GRAPH"], int(os.environ["BENCHMARK_THREADS"]))

        def run_batch(items):
            (outputs,) = session.run(None, {"images": np.stack(items)})
            return [(np.array(output), len(items)) for output in outputs]

        settings = read_settings()
        routes.state.engine = SimpleNamespace(settings=settings, access=Access(settings))
        routes.state.batcher = Batcher("graph", run_batch, Device(), 32, 1024)
        gc.collect()
        gc.freeze()
