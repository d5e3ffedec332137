"""The cards of all photographs: chosen by a click, dragged onto what they are to change."""

# pyright: reportMissingImports=false
from collections.abc import Sequence
from pathlib import Path

from nicegui import ui
from nicegui.events import MultiUploadEventArguments

from service.ui.elements import Drop
from service.ui.session import MOST, Photograph, Session
from service.ui.tags import Tag

DRAGGED = "text/photograph"
"""Of the browser's drag data; the value is a card's number."""
STATES = {"waiting": "working …", "ok": "", "error": "failed"}


class Tray:
    """Where photographs come in, and a card for each."""

    def __init__(self, session: Session, samples: Sequence[Path]) -> None:
        self._session, self._samples = session, samples
        self._cards: dict[Photograph, Tag] = {}
        with Tag("div").classes("tray"):
            Drop(
                "Drop photographs here",
                "of one object each: JPEG, PNG, WebP, GIF, HEIC or AVIF",
                self._dropped,
            )
            if samples:
                self._show_samples()
            self._list = Tag("div").classes("cards").props('role=group aria-label="Photographs"')
        session.changed.append(self._show)

    def _show_samples(self) -> None:
        with Tag("section").classes("samples").props('aria-label="Samples"'):
            Tag("p", "or try a sample").classes("soft")
            with Tag("div").classes("thumbs"):
                for number, path in enumerate(self._samples, 1):
                    address = self._session.shelf.put(path.name, "image/jpeg", path.read_bytes())
                    with Tag("button").props(f'type=button aria-label="Sample {number}"') as sample:
                        Tag("img").props(f'src="{address}" alt=""')
                    sample.on("click", lambda _, number=number: self.add_sample(number - 1), [])

    async def add_sample(self, number: int) -> None:
        """Reconstruct the sample of this number, from 0, or show it where that is done."""
        path = self._samples[number]
        name = f"sample {number + 1}{path.suffix}"
        known = [one for one in self._session.photographs if one.name == name]
        if known:
            self._session.choose(known[0])
            return

        async def read() -> bytes:
            return path.read_bytes()

        await self._session.add([(name, read)])

    async def _dropped(self, event: MultiUploadEventArguments) -> None:
        beyond = await self._session.add([(file.name, file.read) for file in event.files])
        if beyond:
            with self._list:
                ui.notify(
                    f"{beyond} photographs are left out: a page holds {MOST}. Tab Jobs takes more."
                )

    def _show(self, photograph: Photograph) -> None:
        if photograph.state == "removed":
            if photograph in self._cards:
                self._cards.pop(photograph).delete()
            return
        card = self._cards.get(photograph)
        if card is None:
            with self._list:
                card = Tag("div").props("role=button tabindex=0")
                self._wire(card, photograph)
            self._cards[photograph] = card
        chosen = photograph is self._session.chosen
        card.classes(replace=f"card {photograph.state}" + (" chosen" if chosen else ""))
        card.props(f"aria-pressed={'true' if chosen else 'false'}")
        card.props(f"draggable={'true' if photograph.state == 'ok' else 'false'}")
        card.clear()
        with card:
            if photograph.picture:
                Tag("img").props(f'src="{photograph.picture}" alt="" draggable=false')
            else:
                Tag("div").classes("blank")
            with Tag("div").classes("what"):
                Tag("span", photograph.name).classes("name")
                self._outcome(photograph)

    def _wire(self, card: Tag, photograph: Photograph) -> None:
        def choose(_: object) -> None:
            self._session.choose(photograph)

        card.on("click", choose, [])
        card.on("keydown.enter", choose, [])
        card.on("keydown.space.prevent", choose, [])
        card.on("keydown.delete", lambda _: self._session.remove(photograph), [])
        # In the browser alone: data can only be set while the event is being handled.
        number = photograph.number
        card.on("dragstart", js_handler=f"(e) => e.dataTransfer.setData('{DRAGGED}', '{number}')")

    def _outcome(self, photograph: Photograph) -> None:
        if photograph.state == "error":
            Tag("span", photograph.problem).classes("problem")
        elif photograph.state == "ok":
            flags = len(photograph.entry["quality_flags"])
            Tag("span", "look at the advice" if flags else "done").classes("soft")
        else:
            Tag("span", STATES[photograph.state]).classes("soft")
