"""The page's own server: NiceGUI within FastAPI, with nothing from beyond this machine."""

# pyright: reportMissingImports=false
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI, Request, Response
from nicegui import ui

from service.ui.kept import Store
from service.ui.page import Page

TITLE = "Inverse graphics"
ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>"
    "<path fill='#3457d5' d='M16 2 29 9v14l-13 7L3 23V9z'/>"
    "<path fill='none' stroke='#fff' stroke-width='2' d='M3 9l13 7 13-7M16 16v14'/></svg>"
)
RECONNECT_SECONDS = 300.0
HEADERS = {
    # Vue compiles its templates in the browser, hence 'unsafe-eval'.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self' blob: data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer: browsers then refuse to fetch anything from elsewhere."""


def application_of(
    service: str, key: str, samples: Sequence[Path], starting: bool = False
) -> FastAPI:
    """The page for the service at this address.

    `key`: of the API, "" for none; `samples`: photographs to try; `starting`: the service was told
    to start just now.
    """
    http = httpx.AsyncClient(base_url=service)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http:
            yield

    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    store = Store(application)

    @application.middleware("http")
    async def fenced(
        request: Request, answer: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await answer(request)
        response.headers.update(HEADERS)
        return response

    def root() -> None:
        Page(http, key, store, samples, starting)

    ui.run_with(
        application,
        root=root,
        title=TITLE,
        favicon=ICON,
        language="en-US",
        tailwind=False,
        # A phone that sleeps finds its photographs again.
        reconnect_timeout=RECONNECT_SECONDS,
        show_welcome_message=False,
    )
    return application
