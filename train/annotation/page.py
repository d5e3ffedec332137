"""`viewpoints.html`: the page on which a person fills in `viewpoints.csv`.

The page is one file, with the table and the images as JSON. Choices are kept in the browser; the
finished table is a download.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from train.annotation.self_contained import data_url, write_self_contained
from train.annotation.table import BINS, COLUMNS

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
            {
                "cells": list(cells),
                "images": [data_url(Image.fromarray(image), LARGEST_SIDE, 90) for image in of_code],
            }
            for cells, of_code in zip(rows, images, strict=True)
        ],
    }
    write_self_contained(path, "page", content)
