"""An ASGI application that does the stages of one photograph and nothing besides.

    uvicorn tests.benchmarks.serving.bare_asgi:app

What an idle service cannot be quicker than: the same HTTP server, the same parser of forms, the
same stages and the same answer, but no routes, middlewares, limits, batches, log, nor anybody who
notices that the client has gone away. `/threads` runs the stages where the service does, so that
the event loop stays free for other clients; `/inline` runs them on the event loop itself.
"""

import copy

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser

from service.http.forms import to_upload
from service.pipeline import reconstruction
from service.pipeline.engine import Engine
from service.schemas.objects import ReconstructAnswer
from service.schemas.options import ImageOptions
from service.settings import read_settings

INLINE, THREADS = "/inline", "/threads"


class Bare:
    """Answers as `/v1/reconstruct` answers a form with one photograph."""

    def __init__(self):
        self._engines = {}

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        content = b"\n"
        if (engine := self._engines.get(scope["path"])) is not None:
            parser = MultiPartParser(Headers(scope=scope), _chunks(receive))
            upload = to_upload((await parser.parse())["images"])
            entry = await reconstruction.answer(engine, 0, upload, ImageOptions())
            good = entry.status == "ok"
            whole = ReconstructAnswer(images=[entry], succeeded=good, failed=not good)
            content = whole.to_json()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _live(self, receive, send):
        await receive()
        engine = Engine(read_settings())
        self._engines = {
            INLINE: _without_batcher(engine, inline=True),
            THREADS: _without_batcher(engine, inline=False),
        }
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await engine.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _chunks(receive):
    more = True
    while more:
        message = await receive()
        more = message["more_body"]
        yield message["body"]


async def _here(function, *arguments):
    return function(*arguments)


def _without_batcher(engine, inline):
    """The same engine, its graphs run for each image at once."""
    made = copy.copy(engine)
    if inline:
        made.in_pool = _here
    for name in ("segmenter", "reconstructor"):
        runner = copy.copy(getattr(engine, name))
        runner.submit = _submit(runner, _here if inline else engine.device.call)
        setattr(made, name, runner)
    return made


def _submit(runner, call):
    async def submit(item):
        (result,) = await call(runner.run_batch, [item])
        return result

    return submit


app = Bare()
