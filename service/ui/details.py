"""One photograph at large: its mesh to turn, how far to trust it, its files."""

# pyright: reportMissingImports=false
import io
import json
import zipfile
from functools import partial

from nicegui import ui

from service.ui import words
from service.ui.client import CallError
from service.ui.elements import BoxDrawing, Viewer
from service.ui.session import Photograph, Session
from service.ui.tags import Tag, button

FORMATS = {
    "glb": ("glb", "model/gltf-binary", "with texture, for viewers and game engines"),
    "obj": ("obj.zip", "application/zip", "with texture, for older programs"),
    "stl": ("stl", "model/stl", "surface alone, in millimetres, for printers"),
    "3mf": ("3mf", "model/3mf", "with texture, in millimetres, for printers"),
}
"""Formats of the API -> ending, media type, what for."""
ZIP = "application/zip"


class Details:
    """The chosen photograph; follows the session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._room = Tag("section").classes("details").props('aria-label="Result"')
        self._shown: tuple[Photograph, str, str] | None = None
        self._files: Tag | None = None
        self._counted = 0
        session.changed.append(self._follow)
        self._empty()

    def _empty(self) -> None:
        with self._room, Tag("div").classes("empty"):
            Tag("h2", "A photograph in, a 3D mesh out")
            Tag("p", "Drop a photograph, or click a sample. The mesh appears here, ready to turn.")

    def _follow(self, photograph: Photograph) -> None:
        if self._session.chosen is None:
            self._shown = self._files = None
            self._room.clear()
            self._empty()
            return
        if self._files is not None and len(self._session.fine) != self._counted:
            self._list_files()
        if photograph is not self._session.chosen:
            return
        now = (photograph, photograph.state, photograph.mesh_address or photograph.picture)
        if now == self._shown:
            return
        self._shown = now
        self._room.clear()
        self._files = None
        with self._room:
            if photograph.state == "ok":
                self._result(photograph)
            elif photograph.state == "error":
                self._failure(photograph)
            else:
                self._waiting(photograph)

    def _waiting(self, photograph: Photograph) -> None:
        with Tag("div").classes("empty").props("role=status"):
            if photograph.picture:
                Tag("img").props(f'src="{photograph.picture}" alt=""').classes("large")
            Tag("progress").props('aria-label="Working"')
            Tag("p", f"Making a mesh of {photograph.name} …")

    def _failure(self, photograph: Photograph) -> None:
        with Tag("div").classes("empty"):
            if photograph.picture:
                Tag("img").props(f'src="{photograph.picture}" alt=""').classes("large")
            Tag("h2", photograph.name)
            Tag("p", photograph.problem).classes("wrong").props("role=alert")
            with Tag("div").classes("bar"):
                button("Try again", lambda: self._session.reconstruct([photograph]), kind="first")
                if photograph.picture:
                    button("Draw a box", lambda: self._draw_box(photograph))
                button("Remove", lambda: self._session.remove(photograph))

    def _result(self, photograph: Photograph) -> None:
        viewer = Viewer(photograph)
        with Tag("div").classes("facts"):
            Tag("h2", photograph.name)
            self._camera(photograph, viewer)
            self._flags(photograph)
            with Tag("div").classes("bar"):
                button("Wrong object? Draw a box", lambda: self._draw_box(photograph))
                button("Send again", lambda: self._session.reconstruct([photograph]))
                button("Remove", lambda: self._session.remove(photograph))
            self._files = Tag("div")
        self._list_files()

    def _camera(self, photograph: Photograph, viewer: Viewer) -> None:
        entry = photograph.entry
        camera = entry["camera"]
        with Tag("dl"):
            Tag("dt", "Seen from")
            Tag(
                "dd",
                f"{words.side(camera['azimuth_degrees'])} "
                f"({words.sureness(entry['confidence'])}, {entry['confidence']:.0%})",
            )
            Tag("dt", "Outline")
            iou = entry["rerender_iou"]
            Tag("dd", f"{words.fit(iou)} fit (overlap {iou:.0%})").props(
                'title="Intersection over union of the mask and the mesh drawn again"'
            )
            Tag("dt", "Time")
            Tag("dd", f"{entry['timings']['total'] / 1000:.2f} s in the service")
        if not camera["alternatives"]:
            return
        Tag("p", "It may have been taken from elsewhere. See the mesh from there:")
        with Tag("div").classes("bar"):
            own = camera["azimuth_degrees"]
            button(f"As found ({entry['confidence']:.0%})", lambda: viewer.look(0))
            for other in camera["alternatives"]:
                azimuth = other["azimuth_degrees"]
                button(
                    f"{words.side(azimuth)} ({other['probability']:.0%})",
                    lambda azimuth=azimuth: viewer.look(azimuth - own),
                )

    def _flags(self, photograph: Photograph) -> None:
        for flag in photograph.entry["quality_flags"]:
            told = words.advice(flag)
            with Tag("div").classes("flag"):
                Tag("strong", told.meaning)
                Tag("span", f" {told.todo}")

    def _list_files(self) -> None:
        """What can be downloaded: of this photograph, and of all that are meshes by now."""
        photograph, self._counted = self._session.chosen, len(self._session.fine)
        if self._files is None or photograph is None:
            return
        self._files.clear()
        with self._files:
            Tag("h3", "Download")
            with Tag("div").classes("bar"):
                for name, (_, _, purpose) in FORMATS.items():
                    fetch = partial(self._download, photograph, name)
                    label = f"Download {name.upper()}: {purpose}"
                    button(name.upper(), fetch, label=label).having(title=purpose)
                button("All as ZIP", lambda: self._download_zip([photograph]))
            if self._counted > 1:
                every = f"ZIP of all {self._counted} photographs"
                button(every, lambda: self._download_zip(self._session.fine))

    async def _download(self, photograph: Photograph, mesh_format: str) -> None:
        ending, media_type, _ = FORMATS[mesh_format]
        try:
            content = await self._mesh(photograph, mesh_format)
        except CallError as error:
            ui.notify(error.message, type="negative", timeout=0, close_button="Close")
            return
        name = f"{photograph.stem}.{ending}"
        ui.download.from_url(self._session.shelf.put(name, media_type, content), name)

    async def _mesh(self, photograph: Photograph, mesh_format: str) -> bytes:
        if mesh_format == "glb":
            return photograph.glb
        return await self._session.service.mesh(photograph.identity, mesh_format)

    async def _download_zip(self, photographs: list[Photograph]) -> None:
        written = io.BytesIO()
        try:
            with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
                for photograph in photographs:
                    folder = photograph.name
                    for mesh_format, (ending, _, _) in FORMATS.items():
                        content = await self._mesh(photograph, mesh_format)
                        archive.writestr(f"{folder}/mesh.{ending}", content)
                    archive.writestr(f"{folder}/mask.png", photograph.mask)
                    archive.writestr(f"{folder}/answer.json", json.dumps(photograph.entry))
        except CallError as error:
            ui.notify(error.message, type="negative", timeout=0, close_button="Close")
            return
        name = "meshes.zip" if len(photographs) > 1 else f"{photographs[0].stem}.zip"
        ui.download.from_url(self._session.shelf.put(name, ZIP, written.getvalue()), name)

    def _draw_box(self, photograph: Photograph) -> None:
        drawn: list[list[float]] = []

        async def use() -> None:
            dialog.close()
            photograph.box = drawn[-1]
            await self._session.reconstruct([photograph])

        def keep(box: list[float]) -> None:
            drawn.append(box)
            use_it.props(remove="disabled")

        with self._room, ui.dialog() as dialog, Tag("div").classes("dialog"):
            Tag("h2", "Draw a box around the object")
            BoxDrawing(photograph, keep)
            with Tag("div").classes("bar"):
                use_it = button("Use this box", use, kind="first")
                use_it.props("disabled")
                button("Cancel", dialog.close)
        dialog.props('aria-label="Draw a box around the object"')
        dialog.open()
