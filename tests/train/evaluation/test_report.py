import json
from pathlib import Path

import numpy as np
import pytest

from train.data.held_out import HeldOut
from train.evaluation.benchmark import Measured, Scores
from train.evaluation.metrics import METRICS, ROWS
from train.evaluation.report import bootstrap, estimates, summarise, write_report
from train.metrics.true_shape import Shape

OBJECTS, VIEWS, SIZE = 40, 3, 16


def measured(shift: float) -> Measured:
    generator = np.random.default_rng(7)
    values = {name: generator.random(OBJECTS) * 0.2 + shift for name in Scores._fields}
    values["azimuth_signed_degrees"] = generator.uniform(-180, 180, OBJECTS)
    values["azimuth_degrees"] = np.abs(values["azimuth_signed_degrees"])
    pictures = generator.integers(0, 255, (OBJECTS, VIEWS, SIZE, SIZE, 3), np.uint8)
    masks = generator.random((OBJECTS, SIZE, SIZE), np.float32)
    return Measured(Scores(**values), masks, pictures[:, 0], pictures)


def blank_truth() -> HeldOut:
    return HeldOut(
        np.zeros((OBJECTS, SIZE, SIZE, 3), np.uint8),
        np.zeros((OBJECTS, SIZE, SIZE), np.uint8),
        np.zeros((OBJECTS, 5), np.float32),
        np.zeros((OBJECTS, VIEWS, 5), np.float32),
        np.zeros((OBJECTS, VIEWS, SIZE, SIZE, 3), np.uint8),
        np.zeros((OBJECTS, VIEWS, SIZE, SIZE), np.uint8),
        [Shape(np.zeros((3, 3)), np.zeros((1, 3), np.int32))] * OBJECTS,
        [f"thing {number}" for number in range(OBJECTS)],
    )


def test_statistics_by_hand() -> None:
    values = np.array([[0.0, 10, 30, 100], [40, 50, 60, 70]])
    assert summarise(values, "mean").tolist() == [35, 55]
    assert summarise(values, "median").tolist() == [20, 55]
    assert summarise(values, "within30").tolist() == [0.75, 0]
    with pytest.raises(ValueError, match="'mode'"):
        summarise(values, "mode")


def test_the_interval_is_the_standard_error_where_theory_knows_it() -> None:
    values = np.random.default_rng(1).normal(5, 2, 400)
    estimate = bootstrap(values, "mean")
    assert estimate.value == pytest.approx(values.mean())
    expected = 1.96 * values.std() / 20
    assert estimate.high - estimate.value == pytest.approx(expected, rel=0.1)
    assert estimate.value - estimate.low == pytest.approx(expected, rel=0.1)
    assert bootstrap(values, "mean") == estimate


def test_objects_that_agree_leave_no_interval() -> None:
    assert bootstrap(np.full(9, 3.0), "median") == (3, 3, 3)


def test_every_figure_is_estimated() -> None:
    metrics = estimates(measured(0.5).scores)
    assert list(metrics) == list(METRICS)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in metrics.values())


def test_the_report_holds_rows_margins_objects_and_pictures(tmp_path: Path) -> None:
    rows = {"inverse_graphics": measured(0.7), "mean_shape": measured(0.5)}
    metrics = write_report(tmp_path, rows, blank_truth(), {"preset": "smoke"})
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["about"] == {
        "objects": OBJECTS, "novel_views": VIEWS, "size": SIZE, "preset": "smoke",
    }  # fmt: skip
    objects = json.loads((tmp_path / "objects.json").read_text())
    value = metrics["inverse_graphics"]["iou2d_novel30"].value
    assert written["rows"]["inverse_graphics"]["iou2d_novel30"]["value"] == value
    assert set(written["protocols"]) == set(METRICS)
    assert list(written["row_meanings"]) == list(rows)
    margin = written["margin_iou2d_novel30"]["mean_shape"]
    assert margin["low"] == pytest.approx(0.2) and margin["high"] == pytest.approx(0.2)
    assert len(objects["inverse_graphics"]["iou3d_bbox"]) == OBJECTS
    assert (tmp_path / "contact_sheet.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "azimuth_errors.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "report.md").read_text()
    assert "| figure | inverse_graphics | mean_shape |" in text
    assert "inverse_graphics above mean_shape, object by object: 0.200 (0.200, 0.200)" in text
    assert all(f"| `{name}` | " in text for name in METRICS)
    assert all(f"- `{name}`: {ROWS[name]}." in text for name in rows)
