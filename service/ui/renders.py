"""Pictures that follow a hand on a slider: each renderer draws the newest wish alone."""

# pyright: reportMissingImports=false
import asyncio
import time
from collections.abc import Callable
from typing import Any

from nicegui import background_tasks

from service.ui.client import CallError, Refused, Service
from service.ui.tags import Tag

TITLES = {
    "graphics": ("Mesh", "the mesh itself, as graphics cards draw it"),
    "gan": ("GAN", "StyleGAN-R: a photograph imagined from shape, texture and background"),
    "neural": ("Neural", "the mesh made a photograph, with light and shadow"),
}
"""Renderers of the API, with a title and what each is."""


class Live:
    """One renderer's picture. At most one request of it is on its way."""

    def __init__(self, renderer: str, service: Service, flagged: Callable[[bool], None]) -> None:
        """`flagged` is told of each picture whether its camera lies beyond what training saw."""
        self._flagged = flagged
        self.renderer, self._service = renderer, service
        self._wanted: dict[str, Any] | None = None
        self._running = False
        title, meaning = TITLES[renderer]
        with Tag("figure").classes("render"):
            self._image = Tag("img").props(f'alt="Drawn by renderer {renderer}"')
            with Tag("figcaption").props(f'title="{meaning}"'):
                Tag("strong", title)
                self._note = Tag("span", "").classes("soft")
            self._problem = Tag("p", "").classes("wrong")
            self._problem.set_visibility(False)

    def draw(self, wanted: dict[str, Any]) -> None:
        """Draw this as soon as the picture before it is there, unless a newer wish comes."""
        self._wanted = wanted
        if not self._running:
            self._running = True
            background_tasks.create(self._work(), name=f"draw {self.renderer}")

    async def _work(self) -> None:
        try:
            while (wanted := self._wanted) is not None:
                self._wanted = None
                await self._one({**wanted, "renderer": self.renderer})
                await asyncio.sleep(0)
        finally:
            self._running = False

    async def _one(self, wanted: dict[str, Any]) -> None:
        start = time.monotonic()
        try:
            answer = await self._service.render(wanted)
        except CallError as error:
            self._problem.set_text(error.message)
            self._problem.set_visibility(True)
            refused = isinstance(error, Refused) and error.status == 422
            self._image.set_visibility(not refused)
            return
        self._problem.set_visibility(False)
        self._image.set_visibility(True)
        self._image.props(f'src="data:image/png;base64,{answer["images"][0]}"')
        self._note.set_text(f"{1000 * (time.monotonic() - start):.0f} ms")
        self._flagged(bool(answer["quality_flags"][0]))
