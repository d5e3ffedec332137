"""Tab Control: turn one object, give it another's parts, let three renderers draw it."""

from typing import Any

from service.ui.films import Films
from service.ui.renders import TITLES, Live
from service.ui.session import Photograph, Session
from service.ui.tags import Tag, choice
from service.ui.tray import DRAGGED

SLOTS = {
    "shape": "Shape",
    "texture": "Texture",
    "background": "Background",
    "light": "Light",
}
"""What may come from another photograph, where the API takes it apart."""
SLIDERS = {
    "azimuth_degrees": ("Azimuth", -180.0, 180.0, 1.0, "°"),
    "elevation_degrees": ("Elevation", -30.0, 60.0, 1.0, "°"),
    "distance": ("Distance", 3.0, 12.0, 0.1, ""),
}
"""Fields of a camera -> name, least, most, step, unit."""
OWN = ""
ALONE = "Add a second photograph: drag its card here to swap parts."
TO_SWAP = "Drag a photograph's card onto a part, or pick it from the list."
MESH_SCALE = 2
THROTTLE_SECONDS = 0.03


class Control:
    """Follows the session: what is chosen there is the object here."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._object: Photograph | None = None
        self._identity = ""
        self._parts: dict[str, Photograph] = {}
        self._camera: dict[str, float] = {}
        self._slots: tuple[str, ...] = ()
        self._resolution = 128
        self._lives: list[Live] = []
        self._is_open = self._is_stale = False
        self._room = Tag("section").classes("control").props('aria-label="Control"')
        self._listed: list[Photograph] = []
        session.changed.append(self._follow)
        self._empty()

    def serve(self, model: dict[str, Any], parts: set[str]) -> None:
        """Know the model that is served, and what its API can take from several objects."""
        self._slots = tuple(slot for slot in SLOTS if slot in parts)
        self._resolution = model["manifest"]["resolution"]
        self._renew()

    def open(self, is_open: bool) -> None:
        """Draw only while the tab is open: else each photograph would cost three pictures."""
        self._is_open = is_open
        if is_open and self._is_stale:
            self._renew()

    def _renew(self) -> None:
        self._is_stale = True
        if self._is_open and self._object is not None:
            self._build()

    def _empty(self) -> None:
        with self._room, Tag("div").classes("empty"):
            Tag("h2", "Turn it, repaint it, reshape it")
            Tag("p", "Drop a photograph, or click a sample. Its object can be controlled here.")

    def _follow(self, photograph: Photograph) -> None:
        if photograph.state == "removed":
            self._forget(photograph)
        chosen, fine = self._session.chosen, self._session.fine
        is_new = chosen is not None and chosen.state == "ok" and chosen.identity != self._identity
        if chosen is not None and is_new:
            self._object, self._identity, self._parts = chosen, chosen.identity, {}
            camera = chosen.entry["camera"]
            self._camera = {name: camera[name] for name in SLIDERS}
            self._camera["offset"] = camera["offset"]
        if self._object is not None and (is_new or fine != self._listed):
            self._listed = fine
            self._renew()

    def _forget(self, removed: Photograph) -> None:
        self._parts = {slot: part for slot, part in self._parts.items() if part is not removed}
        if self._object is removed:
            self._object, self._identity, self._lives = None, "", []
            self._room.clear()
            self._empty()

    def _build(self) -> None:
        self._is_stale = False
        self._room.clear()
        with self._room:
            assert self._object is not None
            Tag("h2", self._object.name)
            with Tag("div").classes("renders"):
                self._lives = [Live(name, self._session.service, self._warn) for name in TITLES]
            with Tag("div").classes("panels"):
                self._sliders()
                self._swaps()
                Films(self._session, self._object, self._wanted)
        self._draw()

    def _sliders(self) -> None:
        with Tag("fieldset"):
            Tag("legend", "Camera")
            for name, (title, least, most, step, unit) in SLIDERS.items():
                value = self._camera[name]
                with Tag("label").classes("slider"):
                    Tag("span", title)
                    slider = Tag("input").props(
                        f"type=range min={min(least, value)} max={max(most, value)} step={step}"
                    )
                    slider.props(f'value={value:g} aria-label="{title}"')
                    shown = Tag("output", f"{value:.1f}{unit}")
                slider.on(
                    "input",
                    lambda event, name=name, shown=shown, unit=unit: self._slide(
                        name, float(event.args), shown, unit
                    ),
                    throttle=THROTTLE_SECONDS,
                    js_handler="(e) => emit(e.target.value)",
                )
                # The hand, or the key, is lifted.
                slider.on("change", lambda _: self._draw(), [])
            self._beyond = Tag("p", "Training saw no such camera: pictures get worse here.")
            self._beyond.classes("flag").set_visibility(False)

    def _warn(self, beyond: bool) -> None:
        self._beyond.set_visibility(beyond)

    def _slide(self, name: str, value: float, shown: Tag, unit: str) -> None:
        self._camera[name] = value
        shown.set_text(f"{value:.1f}{unit}")
        self._draw(mesh_scale=1)

    def _swaps(self) -> None:
        with Tag("fieldset"):
            Tag("legend", "Take from another photograph")
            alone = len(self._session.fine) < 2
            Tag("p", ALONE if alone else TO_SWAP).classes("soft")
            with Tag("div").classes("slots"):
                for slot in self._slots:
                    self._slot(slot)

    def _slot(self, slot: str) -> None:
        part = self._parts.get(slot)
        with Tag("div").classes("slot" + (" taken" if part else "")) as area:
            area.props(f"data-slot={slot}")
            if part is not None:
                Tag("img").props(f'src="{part.picture}" alt=""')
            Tag("strong", SLOTS[slot])
            others = {
                str(one.number): one.name for one in self._session.fine if one is not self._object
            }
            value = str(part.number) if part else OWN
            choice(
                f"{SLOTS[slot]} from",
                {OWN: "its own", **others},
                value,
                lambda number: self._swap(slot, number),
            )
        area.on("dragover.prevent", js_handler="() => {}")
        area.on(
            "drop",
            lambda event: self._swap(slot, event.args),
            js_handler=f"(e) => {{ const number = e.dataTransfer.getData('{DRAGGED}'); "
            "if (number !== '') { e.preventDefault(); emit(number); } }",
        )

    def _swap(self, slot: str, number: str) -> None:
        """Take a part from the photograph of this number, or the object's own."""
        self._parts.pop(slot, None)
        part = self._session.numbered(number)
        if part is not None and part is not self._object:
            self._parts[slot] = part
        self._build()

    def _wanted(self) -> dict[str, Any]:
        """The object with its parts, for /v1/render."""
        assert self._object is not None
        parts = {slot: {"id": part.identity} for slot, part in self._parts.items()}
        return {"reconstruction": {"id": self._object.identity}, **parts}

    def _draw(self, mesh_scale: int = MESH_SCALE) -> None:
        """Networks draw the model's resolution; the mesh costs little at more, once the hand that
        waits for three pictures rests."""
        for live in self._lives:
            size = self._resolution * (mesh_scale if live.renderer == "graphics" else 1)
            live.draw({**self._wanted(), "cameras": [self._camera], "size": size})
