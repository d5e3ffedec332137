"""The page of six codes, and what a browser makes of its text."""

import json
from html.parser import HTMLParser

import numpy as np

from train.annotation.page import write_page
from train.annotation.table import (
    Annotation,
    Measures,
    table_rows,
    write_table,
)

K, CONTENTS, SIDE = 6, 4, 32
CODES = np.random.default_rng(0).standard_normal((K, 8)).astype(np.float32)
MEASURES = Measures(*np.random.default_rng(1).uniform(0, 1, (3, K)) * [[20], [1], [1]])
FILLED = np.array([0, 30, 90, 180, 270, 330])


def images(side: int = SIDE) -> np.ndarray:
    """uint8 [K, CONTENTS, side, side, 3]: every image has its own flat colour."""
    colours = np.random.default_rng(2).integers(0, 256, (K, CONTENTS, 1, 1, 3), np.uint8)
    return np.broadcast_to(colours, (K, CONTENTS, side, side, 3))


class FrozenEncoder(HTMLParser):
    """What a browser makes of the page: the text of each script, and every tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.scripts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def page_of(folder, bins=None, name="a run", codes=CODES, side=SIDE, measures=MEASURES):
    """The page, and the table that a stage writes beside it."""
    rows = table_rows(measures, None if bins is None else Annotation(bins, np.ones(K, bool)))
    write_page(folder / "viewpoints.html", name, codes, rows, images(side))
    write_table(folder / "viewpoints.csv", rows)
    return folder / "viewpoints.html"


def island(path) -> dict:
    return json.loads(FrozenEncoder(path.read_text()).scripts[0])
