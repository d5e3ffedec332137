import io

import numpy as np
from PIL import Image

from tests.train.evaluation.test_report import OBJECTS, blank_truth, measured
from train.evaluation.contact_sheet import (
    COLOURS,
    LEFT,
    RIGHT,
    azimuth_histogram,
    best_middle_worst,
    contact_sheet,
)
from train.pictures.captioned_sheet import CAPTION, CELL, MARGIN


def test_best_middle_and_worst_are_different_objects() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.3, 0.7, 0.8, 0.2])
    assert best_middle_worst(scores, 2) == [
        ("best", 1), ("best", 5), ("middle", 4), ("middle", 2), ("worst", 6), ("worst", 0),
    ]  # fmt: skip
    assert best_middle_worst(scores[:1], 4) == [("best", 0)]
    assert best_middle_worst(scores[:2], 4) == [("best", 1), ("worst", 0)]


def test_the_sheet_has_a_line_per_object() -> None:
    rows = measured(0.5)
    with Image.open(io.BytesIO(contact_sheet(rows, blank_truth()))) as image:
        assert image.size == (9 * CELL + 4 * MARGIN, CAPTION + 12 * (CELL + CAPTION))
        pixels = np.asarray(image)
    best = int(np.argmax(rows.scores.iou2d_novel30))
    mask = np.asarray(
        Image.fromarray(np.rint(rows.masks[best] * 255).astype(np.uint8)).resize(
            (CELL, CELL), Image.Resampling.BICUBIC
        )
    )
    left, top = CELL + MARGIN, 2 * CAPTION
    assert np.array_equal(pixels[top : top + CELL, left : left + CELL, 0], mask)


def test_the_histogram_draws_where_the_errors_are() -> None:
    content = azimuth_histogram({"network": np.full(OBJECTS, 5.0), "floor": np.full(8, -100.0)})
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (720, 300)
        pixels = np.asarray(image).astype(int)
    blue = np.argwhere(np.abs(pixels[60:240] - (31, 94, 168)).sum(-1) == 0)[:, 1]
    orange = np.argwhere(np.abs(pixels[60:240] - (214, 102, 32)).sum(-1) == 0)[:, 1]
    assert orange.max() < blue.min()


def test_the_histogram_names_every_row_of_a_report_in_its_own_colour() -> None:
    rows = ["bundle", "refined", "oracle", "mean_prediction", "nearest_training", "single_view"]
    content = azimuth_histogram({name: np.full(OBJECTS, 5.0) for name in rows})
    with Image.open(io.BytesIO(content)) as image:
        names = np.asarray(image)[:38].astype(int)
    for number in range(len(rows)):
        left = LEFT + number * (RIGHT - LEFT) // len(rows)
        slot = names[:, left : left + 100]
        strongest = min(slot.reshape(-1, 3), key=np.sum)
        distances = np.abs(np.array(COLOURS) - strongest).sum(axis=1)
        assert strongest.sum() < 700 and distances.argmin() == number
