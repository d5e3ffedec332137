"""Pages in one HTML file that needs no other: template, style, script, and JSON with the images.

A page NAME is a template `NAME.html` and a script `NAME.js` in this folder. `base.css` and
`base.js` go before its own style and script.
"""

import base64
import io
import json
from pathlib import Path

from PIL import Image

from train.running.workspace import write_atomically

STYLE, SCRIPT, CONTENT = "__STYLE__", "__SCRIPT__", "__CONTENT__"
"""Placeholders of a template."""
FOLDER = Path(__file__).parent


def write_self_contained(path: Path, page: str, content: object) -> int:
    """Write the page called `page` with its content, which JSON can hold; returns its bytes."""
    html, own, base, style = (
        (FOLDER / name).read_text("utf-8")
        for name in (f"{page}.html", f"{page}.js", "base.js", "base.css")
    )
    # The content goes in last, so that no placeholder is searched for in it.
    text = html.replace(STYLE, style).replace(SCRIPT, base + own)
    file = text.replace(CONTENT, _in_script(content)).encode()
    write_atomically(path, file)
    return len(file)


def _in_script(value: object) -> str:
    """JSON that is safe inside a script element, which it can neither end nor open."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def data_url(
    image: Image.Image,  # RGB
    largest_side: int,  # pixels; a larger image is made smaller
    quality: int,  # of the JPEG, 1..95
    subsampling: int = 0,  # Pillow's: 0 keeps all colours, 2 a quarter of them
) -> str:
    """The image as a JPEG data URL."""
    small = image.copy()
    small.thumbnail((largest_side, largest_side))
    content = io.BytesIO()
    small.save(content, "JPEG", quality=quality, subsampling=subsampling)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
