"""A folder of small photographs, each of its own colour, and its page."""

from pathlib import Path

from PIL import Image

from train.annotation.photo_answers import read_answers
from train.annotation.photo_page import PredictedPhoto, write_photo_page

COLOURS = {"a.png": (200, 30, 30), "b.jpg": (30, 200, 30), "more/c.webp": (30, 30, 200)}
PREDICTED = {"a.png": (100.4, 0.9), "b.jpg": (-30.0, 0.2), "more/c.webp": (359.7, 0.5)}
"""Azimuth and confidence; the order of the page is b, c, a."""


def write_photos(folder: Path, names: dict = COLOURS) -> Path:
    for name, colour in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40), colour).save(folder / name)
    return folder


def photo_page_of(
    folder: Path, predicted: dict = PREDICTED, name: str = "cars", category: str = "vehicles"
) -> Path:
    """The page of photographs that lie in the folder, with the answers of its table."""
    photos = [PredictedPhoto(file, folder / file, *said) for file, said in predicted.items()]
    page = folder / "photos.html"
    write_photo_page(page, name, category, photos, read_answers(folder))
    return page
