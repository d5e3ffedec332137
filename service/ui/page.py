"""The page: a head that says whether the service is there, and four tabs."""

# pyright: reportMissingImports=false
from collections.abc import Sequence
from pathlib import Path

import httpx
from nicegui import background_tasks, ui

from service.ui.client import CallError, Refused, Service
from service.ui.control import Control
from service.ui.details import Details
from service.ui.explain import Explain
from service.ui.jobs import Jobs
from service.ui.kept import Store
from service.ui.session import Session
from service.ui.tags import Tag, button
from service.ui.tray import Tray

STYLE = Path(__file__).with_name("static") / "style.css"
LOOK_SECONDS = 0.25
"""Between looks for a service that is not there: whoever starts both waits for it."""
REFUSED_LOOKS, QUIET_LOOKS = 4, 40
"""Where it refuses, and while all is well, only every so many looks ask it."""
STARTING = "The service is starting: some seconds more …"
UNAUTHORISED = 401
SAMPLE_CATEGORY = "vehicles"
"""What the sample photographs show."""
TABS = ("Reconstruct", "Control", "Jobs", "Explain")


class Page:
    """One open page."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        key: str,
        store: Store,
        samples: Sequence[Path],
        starting: bool,
    ) -> None:
        self._service = Service(http, key)
        self._shelf = store.shelf()
        self._session = Session(self._service, self._shelf)
        self._known, self._starting = False, starting
        self._example = bool(samples)
        self._looks, self._every = 0, 1
        ui.add_css(STYLE)
        ui.context.client.on_delete(self._shelf.clear)
        self._head()
        with Tag("main"):
            with ui.tabs().props("no-caps align=left inline-label") as tabs:
                for name in TABS:
                    ui.tab(name)
            with Tag("div").classes("work"):
                tray = Tag("div")
                with tray:
                    self._tray = Tray(self._session, samples)
                with (
                    ui.tab_panels(tabs, value=TABS[0], animated=False)
                    .props("keep-alive")
                    .classes("panel")
                ):
                    self._panels()
            tabs.on_value_change(lambda event: self._control.open(event.value == TABS[1]))
            tray.bind_visibility_from(tabs, "value", lambda name: name in TABS[:2])
        self._timer = ui.timer(LOOK_SECONDS, self._look)

    def _panels(self) -> None:
        with ui.tab_panel(TABS[0]):
            Details(self._session)
        with ui.tab_panel(TABS[1]):
            self._control = Control(self._session)
        with ui.tab_panel(TABS[2]):
            self._jobs = Jobs(self._session)
        with ui.tab_panel(TABS[3]):
            self._explain = Explain()

    def _head(self) -> None:
        with Tag("header"):
            with Tag("div").classes("title"):
                Tag("h1", "Inverse graphics")
                Tag("span", "a photograph in, a 3D mesh out").classes("soft")
            self._state = Tag("p", "Looking for the service …").classes("state wait")
            self._state.props("role=status")
        with Tag("form").classes("key").props("onsubmit='return false'") as self._key_form:
            with Tag("label", "API key "):
                field = Tag("input").props("type=password autocomplete=off name=key")
            field.on("input", self._type_key, js_handler="(e) => emit(e.target.value)")
            button("Use it", self._look_anew, kind="first")
            self._key_problem = Tag("span", "").props("role=alert")
        self._key_form.on("submit", lambda _: self._look_anew(), [])
        self._key_form.set_visibility(False)
        self._typed = ""

    def _type_key(self, event: object) -> None:
        self._typed = str(getattr(event, "args", "")).strip()

    async def _look_anew(self) -> None:
        self._service.key, self._known, self._every = self._typed, False, 1
        await self._look()

    async def _look(self) -> None:
        """Say whether the service is there; learn what it serves once it is."""
        self._looks += 1
        if self._looks % self._every:
            return
        try:
            await self._service.check_ready()
            if not self._known:
                model = await self._service.model()
                self._control.serve(model, await self._service.parts())
                self._explain.serve(model)
                self._say(f"Ready: {model['manifest']['category']}", "ready")
                self._key_form.set_visibility(False)
                self._known, self._every = True, QUIET_LOOKS
                self._starting = False
                await self._welcome(model["manifest"]["category"])
        except Refused as error:
            self._every = REFUSED_LOOKS
            self._refused(error)
        except CallError as error:
            self._known, self._every = False, 1
            self._say(STARTING if self._starting else f"{error.message} Trying again …", "wait")

    async def _welcome(self, category: str) -> None:
        """Show a sample, where the model knows such objects and nothing is shown yet."""
        background_tasks.create(self._jobs.recall())
        if self._example and category == SAMPLE_CATEGORY and not self._session.photographs:
            self._example = False
            await self._tray.add_sample(0)

    def _refused(self, error: Refused) -> None:
        if error.status == UNAUTHORISED:
            self._key_form.set_visibility(True)
            if self._service.key:
                self._key_problem.set_text(error.message)
            self._say("This service wants an API key", "wait")
        else:
            self._say(error.message, "wrong")

    def _say(self, text: str, kind: str) -> None:
        if self._state.text != text:
            self._state.set_text(text)
            self._state.classes(replace=f"state {kind}")
