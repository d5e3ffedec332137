"""The parts of the page that need a script of their own in the browser."""

# pyright: reportMissingImports=false, reportGeneralTypeIssues=false, reportCallIssue=false
from collections.abc import Callable

from nicegui import ui
from nicegui.events import Handler, MultiUploadEventArguments

from service.ui.session import Photograph

THREE = ui.scene
"""NiceGUI registers three.js for the browser when its scene is asked for."""
IMAGES = "image/*,.heic,.heif,.avif"


class Viewer(ui.element, component="static/viewer.js"):
    """A mesh over its photograph, turned with pointer or keys from the photograph's own camera."""

    def __init__(self, photograph: Photograph) -> None:
        super().__init__()
        camera = photograph.entry["camera"]
        values = {
            "glb": photograph.mesh_address,
            "photograph": photograph.picture,
            "mask": photograph.mask_address,
            "label": f"Mesh of {photograph.name}. Arrow keys turn it, plus and minus zoom, "
            "Home goes back to the photograph's view.",
            "view": camera["view_matrix"],
            "projection": camera["projection_matrix"],
            "frame": photograph.entry["frame"],
            "size": list(photograph.size),
        }
        for name, value in values.items():
            self._props[name] = value

    def look(self, degrees: float) -> None:
        """Go to the azimuth that lies so many degrees from the photograph's."""
        self.run_method("look", degrees)


class Drop(ui.upload, component="static/drop.js"):
    """Takes files that are dropped on the page, picked, pasted or taken with the camera."""

    def __init__(
        self,
        text: str,
        detail: str,
        taken: Handler[MultiUploadEventArguments],
        *,
        accept: str = IMAGES,
        camera: bool = True,
    ) -> None:
        super().__init__(multiple=True, on_multi_upload=taken)
        values = {"text": text, "detail": detail, "accept": accept, "camera": camera}
        for name, value in values.items():
            self._props[name] = value


class BoxDrawing(ui.element, component="static/box.js"):
    """A photograph on which a person draws a box; `drawn` gets it in the photograph's pixels."""

    def __init__(self, photograph: Photograph, drawn: Callable[[list[float]], None]) -> None:
        super().__init__()
        self._props["photograph"] = photograph.picture
        self._props["name"] = photograph.name
        self._props["size"] = list(photograph.size)
        self.on("drawn", lambda event: drawn([round(side, 1) for side in event.args]))
