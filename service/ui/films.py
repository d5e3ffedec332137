"""A film of an object: once around it, or on the way to another one."""

# pyright: reportMissingImports=false
from collections.abc import Callable
from typing import Any

from nicegui import ui

from service.ui.client import CallError
from service.ui.renders import TITLES
from service.ui.session import Photograph, Session
from service.ui.tags import Tag, button, choice

FILMS = {"webp": "image/webp", "gif": "image/gif", "mp4": "video/mp4"}
FRAMES, STEPS = 24, 12
"""Pictures of a turntable, and of an interpolation."""


class Films:
    """A turntable of the object, or the way from it to another one."""

    def __init__(
        self, session: Session, shown: Photograph | None, wanted: Callable[[], dict[str, Any]]
    ) -> None:
        self._session, self._wanted = session, wanted
        self._renderer, self._format = "graphics", "webp"
        ends = [one for one in session.fine if one is not shown]
        self._to = ends[0] if ends else None
        with Tag("fieldset"):
            Tag("legend", "Film")
            with Tag("div").classes("bar"):
                renderers = {name: title for name, (title, _) in TITLES.items()}
                choice("Renderer of the film", renderers, "graphics", self._take_renderer)
                choice("Format", {name: name.upper() for name in FILMS}, "webp", self._take_format)
                button("Turntable", self._turn, kind="first")
            if self._to is not None:
                others = {str(one.number): one.name for one in ends}
                with Tag("div").classes("bar"):
                    choice("Interpolate to", others, next(iter(others)), self._take_end)
                    button("Interpolate", self._go)
            self._room = Tag("div").classes("film").props("aria-live=polite")

    def _take_renderer(self, name: str) -> None:
        self._renderer = name

    def _take_format(self, name: str) -> None:
        self._format = name

    def _take_end(self, number: str) -> None:
        self._to = self._session.numbered(number)

    async def _turn(self) -> None:
        await self._show({"turntable": {"frames": FRAMES}}, "turntable")

    async def _go(self) -> None:
        if self._to is None:
            return
        way = {"to": {"id": self._to.identity}, "steps": STEPS}
        await self._show({"interpolation": way}, "interpolation")

    async def _show(self, path: dict[str, Any], name: str) -> None:
        kind, service = FILMS[self._format], self._session.service
        # GAN and neural renderer have sizes of their own; the service knows them.
        wanted = {**self._wanted(), **path, "renderer": self._renderer}
        wanted["animation"] = {"format": self._format}
        self._say("progress", "Drawing the film")
        try:
            film = await service.film(wanted, kind)
        except CallError as error:
            self._room.clear()
            with self._room:
                Tag("p", error.message).classes("wrong").props("role=alert")
            return
        file = f"{name}.{self._format}"
        address = self._session.shelf.put(file, kind, film)
        self._room.clear()
        with self._room:
            if self._format == "mp4":
                Tag("video").props(f'src="{address}" controls autoplay loop muted playsinline')
            else:
                Tag("img").props(f'src="{address}" alt="{name.capitalize()} of the object"')
            button(f"Download {file}", lambda: ui.download.from_url(address, file))

    def _say(self, kind: str, label: str) -> None:
        self._room.clear()
        with self._room:
            Tag(kind).having(aria_label=label)
