"""`viewpoints.html`: the page on which a person fills in `viewpoints.csv`.

The page is one file: the template `page.html` with its script, and the table and the images as
JSON. Choices are kept in the browser; the finished table is a download.
"""

import base64
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from train.annotation.table import BINS, COLUMNS
from train.running.workspace import write_atomically

SCRIPT, ISLAND = "__SCRIPT__", "__VIEWPOINTS__"
"""Placeholders of the template for the script and the JSON."""
LARGEST_SIDE = 128
"""Pixels; larger images only make the page heavy."""


def write_page(
    path: Path,
    name: str,
    codes: np.ndarray,  # f32 [K, D]
    rows: Sequence[Sequence[str]],  # [K] of `table_rows`; bins that are filled in can be changed
    images: np.ndarray,  # uint8 [K, C, R, R, 3]: each code under the same contents
) -> None:
    """Write the page of a run called `name`; kept choices belong to these codes only."""
    content = {
        "name": name,
        "key": hashlib.sha256(np.ascontiguousarray(codes).tobytes()).hexdigest()[:32],
        "columns": COLUMNS,
        "bins": BINS,
        "rows": [
            {"cells": list(cells), "images": [_data_url(image) for image in of_code]}
            for cells, of_code in zip(rows, images, strict=True)
        ],
    }
    html, script = (
        Path(__file__).with_suffix(suffix).read_text("utf-8") for suffix in (".html", ".js")
    )
    # The content goes in last, so that no placeholder is searched for in it.
    page = html.replace(SCRIPT, script).replace(ISLAND, _in_script(content))
    write_atomically(path, page.encode())


def _in_script(value: object) -> str:
    """JSON that is safe inside a script element, which it can neither end nor open."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data_url(pixels: np.ndarray) -> str:  # uint8 [R, R, 3]
    """The image as a JPEG data URL."""
    image = Image.fromarray(pixels)
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
