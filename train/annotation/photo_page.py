"""`photos.html`: the page on which a person says which way the object of each photograph faces.

It begins with the predictions, the least confident first. Choices are kept in the browser, by the
photographs' names and contents; the finished `photos.csv` is a download.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.image_files import read_upright
from graphics.photographs import GREY
from train.annotation.photo_answers import PhotoAnswers
from train.annotation.self_contained import data_url, write_self_contained
from train.annotation.table import BINS
from train.data.labelled_photos import COLUMNS, TABLE
from train.data.photo_set import PIXEL_LIMIT

LARGEST_SIDE, QUALITY, SUBSAMPLING = 480, 80, 2
"""Of the pictures: pixels, and the JPEG's; 100 of them take about 4 MB."""


class PredictedPhoto(NamedTuple):
    """A photograph and what is thought of it."""

    name: str
    """Its path below the folder, which the table has."""
    path: Path
    azimuth_degrees: float
    confidence: float
    """0..1."""


def asking_order(
    confidences: NDArray[np.floating],  # [N]
) -> NDArray[np.intp]:  # [N], a permutation
    """The order in which a person is asked: what is least certain first."""
    return np.argsort(confidences, kind="stable")


def write_photo_page(
    path: Path,
    name: str,
    category: str,
    photos: Sequence[PredictedPhoto],
    answers: PhotoAnswers,
) -> int:  # bytes
    """Write the page of a folder called `name`, whose photographs show the bundle's category.

    Raises:
        PhotographError, OSError: a photograph cannot be read.
    """
    order = asking_order(np.array([photo.confidence for photo in photos]))
    content = {
        "name": name,
        "category": category,
        "bins": BINS,
        "table": TABLE,
        "columns": answers.columns,
        "file": answers.columns.index(COLUMNS[0]),
        "azimuth": answers.columns.index(COLUMNS[1]),
        "rows": answers.rows,
        "photos": [_entry(photos[number], answers) for number in order],
    }
    return write_self_contained(path, "photo_page", content)


def _entry(photo: PredictedPhoto, answers: PhotoAnswers) -> dict[str, Any]:
    """A photograph, as the page reads it."""
    content = photo.path.read_bytes()
    answer = answers.by_name.get(photo.name)
    return {
        "file": photo.name,
        # A copy under another name may have another answer: none.
        "key": hashlib.sha256(f"{photo.name}\0".encode() + content).hexdigest()[:32],
        "image": data_url(_picture(content), LARGEST_SIDE, QUALITY, SUBSAMPLING),
        "predicted": round(photo.azimuth_degrees) % 360,
        "confidence": round(photo.confidence, 3),
        "row": None if answer is None else answer.row,
        "answer": None if answer is None else answer.azimuth_degrees,
    }


def _picture(content: bytes) -> Image.Image:
    """The whole photograph, upright, RGB; what is transparent is grey."""
    image, _ = read_upright(content, LARGEST_SIDE, PIXEL_LIMIT)
    # Every photograph looks as large, and a large one is never copied whole.
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    if image.mode == "RGBA":
        ground = Image.new("RGBA", image.size, (GREY, GREY, GREY, 255))
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")
