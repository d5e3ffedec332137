"""One open page: its photographs, what the service made of them, and who wants to know."""

# pyright: reportMissingImports=false
import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import PurePath
from typing import Any, Literal

from nicegui import run

from graphics.image_files import PhotographError
from service.ui.client import CallError, Service
from service.ui.kept import Shelf
from service.ui.pictures import picture_of

MOST = 200
"""Photographs of one page; more are a job."""
AT_A_TIME = 16
"""Photographs of one request: the service answers line by line within it."""
GLB = "model/gltf-binary"


@dataclass(eq=False)
class Photograph:
    """A photograph, and its reconstruction once there is one."""

    number: int
    """Its own within the page, also after others are removed."""
    name: str
    read: Callable[[], Awaitable[bytes]]
    state: Literal["waiting", "ok", "error", "removed"] = "waiting"
    problem: str = ""
    """Why it failed, in the API's words."""
    picture: str = ""
    """Address of the photograph to show; empty until it is decoded, or where it cannot be."""
    size: tuple[int, int] = (1, 1)
    """Width and height in pixels."""
    box: list[float] | None = None
    """Left, top, right, bottom of the object, where a person has drawn it."""
    entry: dict[str, Any] = field(default_factory=dict)
    """Its entry in the API's answer, without files."""
    glb: bytes = b""
    mask: bytes = b""
    mesh_address: str = ""
    mask_address: str = ""

    @property
    def identity(self) -> str:
        """What /v1/render knows it by."""
        return self.entry["id"]

    @property
    def stem(self) -> str:
        """Its file's name without the ending."""
        return PurePath(self.name).stem or "photograph"


class Session:
    """Photographs of one open page, in the order in which they came."""

    def __init__(self, service: Service, shelf: Shelf) -> None:
        self.service, self.shelf = service, shelf
        self.photographs: list[Photograph] = []
        self.changed: list[Callable[[Photograph], None]] = []
        """Called with each photograph that is new or has changed."""
        self.chosen: Photograph | None = None
        self._numbers = count()

    @property
    def fine(self) -> list[Photograph]:
        """Those that became meshes."""
        return [one for one in self.photographs if one.state == "ok"]

    def numbered(self, number: str) -> Photograph | None:
        """The one of this number that became a mesh."""
        return next((one for one in self.fine if str(one.number) == number), None)

    def choose(self, photograph: Photograph) -> None:
        """Show this one at large."""
        before, self.chosen = self.chosen, photograph
        for one in (before, photograph):
            if one is not None:
                self.tell(one)

    def tell(self, photograph: Photograph) -> None:
        """Tell all who listen that it has changed."""
        for listener in self.changed:
            listener(photograph)

    def remove(self, photograph: Photograph) -> None:
        """Forget one that is not being worked on; its neighbour is chosen where it was."""
        if photograph.state not in ("ok", "error"):
            return
        place = self.photographs.index(photograph)
        del self.photographs[place]
        photograph.state = "removed"
        for address in (photograph.picture, photograph.mesh_address, photograph.mask_address):
            self.shelf.drop(address)
        if self.chosen is photograph:
            self.chosen = next(iter(self.photographs[place:] or self.photographs[-1:]), None)
        self.tell(photograph)
        if self.chosen is not None:
            self.tell(self.chosen)

    async def add(self, files: list[tuple[str, Callable[[], Awaitable[bytes]]]]) -> int:
        """Reconstruct these files, name and reader each; the number of those beyond `MOST`."""
        room = MOST - len(self.photographs)
        new: list[Photograph] = []
        for name, read in files[:room]:
            new.append(Photograph(next(self._numbers), self._free_name(name), read))
            self.photographs.append(new[-1])
            self.tell(new[-1])
        if new:
            self.choose(new[0])
        for first in range(0, len(new), AT_A_TIME):
            await self.reconstruct(new[first : first + AT_A_TIME])
        return max(0, len(files) - room)

    async def reconstruct(self, photographs: list[Photograph]) -> None:
        """Send them, with their boxes, and take up each answer as it comes."""
        for photograph in photographs:
            photograph.state, photograph.problem = "waiting", ""
            self.tell(photograph)
        contents = await asyncio.gather(*(one.read() for one in photographs))
        pairs = zip(photographs, contents, strict=True)
        shown = [asyncio.create_task(self._show(*pair)) for pair in pairs]
        sent = [(one.name, content) for one, content in zip(photographs, contents, strict=True)]
        boxes = {one.name: one.box for one in photographs if one.box is not None}
        try:
            async for entry in self.service.reconstruct(sent, boxes):
                photograph = photographs[entry["index"]]
                await shown[entry["index"]]
                self._take(photograph, entry)
        except CallError as error:
            for photograph in photographs:
                if photograph.state == "waiting":
                    photograph.state, photograph.problem = "error", error.message
        await asyncio.gather(*shown)
        for photograph in photographs:
            if photograph.state == "waiting":
                photograph.state = "error"
                photograph.problem = "The service ended its answer before this photograph."
            self.tell(photograph)

    async def _show(self, photograph: Photograph, content: bytes) -> None:
        if photograph.picture:
            return
        try:
            picture = await run.io_bound(picture_of, content)
        except PhotographError:
            return  # the service says why in its answer
        if picture is None:
            return  # the page's server is stopping
        photograph.size = picture.size
        photograph.picture = self.shelf.put(f"{photograph.stem}.jpg", "image/jpeg", picture.jpeg)
        self.tell(photograph)

    def _take(self, photograph: Photograph, entry: dict[str, Any]) -> None:
        if entry["status"] == "error":
            photograph.state, photograph.problem = "error", entry["error"]["message"]
            self.tell(photograph)
            return
        for address in (photograph.mesh_address, photograph.mask_address):
            self.shelf.drop(address)
        photograph.glb = base64.b64decode(entry.pop("mesh")["data"])
        photograph.mask = base64.b64decode(entry.pop("mask"))
        stem = photograph.stem
        photograph.mesh_address = self.shelf.put(f"{stem}.glb", GLB, photograph.glb)
        photograph.mask_address = self.shelf.put(f"{stem}.png", "image/png", photograph.mask)
        photograph.entry, photograph.state = entry, "ok"
        self.tell(photograph)

    def _free_name(self, name: str) -> str:
        """The name, or where it is taken `car (2).jpg`: boxes are sent by name."""
        taken = {one.name for one in self.photographs}
        path = PurePath(name or "photograph")
        number, free = 2, path.name
        while free in taken:
            free, number = f"{path.stem} ({number}){path.suffix}", number + 1
        return free
