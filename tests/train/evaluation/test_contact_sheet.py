import io

import numpy as np
from PIL import Image

from graphics.sheet import TITLE_HEIGHT
from tests.train.evaluation.test_object_report import blank_truth, measured
from train.evaluation.contact_sheet import STYLE, best_middle_worst
from train.evaluation.object_report import object_report


def test_best_middle_and_worst_are_different_objects() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.3, 0.7, 0.8, 0.2])
    assert best_middle_worst(scores, 2) == [
        ("best", 1), ("best", 5), ("middle", 4), ("middle", 2), ("worst", 6), ("worst", 0),
    ]  # fmt: skip
    assert best_middle_worst(scores[:1], 4) == [("best", 0)]
    assert best_middle_worst(scores[:2], 4) == [("best", 1), ("worst", 0)]


def test_the_sheet_has_a_row_per_object() -> None:
    rows = measured(0.5)
    report = object_report({"bundle": rows}, blank_truth(), {})
    with Image.open(io.BytesIO(report.files["contact_sheet.png"])) as image:
        pixels = np.asarray(image)
    width = 9 * STYLE.cell + 4 * STYLE.group_gap + 4 * STYLE.gap
    height = TITLE_HEIGHT + 12 * (STYLE.cell + 22 + STYLE.gap) - STYLE.gap
    assert pixels.shape == (height + 2 * STYLE.margin, width + 2 * STYLE.margin, 3)
    best = int(np.argmax(rows.scores.iou2d_novel30))
    mask = np.asarray(
        Image.fromarray(np.rint(rows.masks[best] * 255).astype(np.uint8)).resize(
            (STYLE.cell, STYLE.cell), Image.Resampling.BICUBIC
        )
    )
    left, top = STYLE.margin + STYLE.cell + STYLE.group_gap, STYLE.margin + TITLE_HEIGHT
    assert np.array_equal(pixels[top : top + STYLE.cell, left : left + STYLE.cell, 0], mask)
