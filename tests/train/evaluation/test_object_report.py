import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.data.held_out import HeldOut
from train.evaluation.benchmark import Measured, Scores
from train.evaluation.contact_sheet import LINE
from train.evaluation.metrics import METRICS, ROWS
from train.evaluation.object_report import object_report, write_object_report
from train.metrics.shape_comparison import Shape

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


def test_every_metric_is_estimated() -> None:
    metrics = object_report({"bundle": measured(0.5)}, blank_truth(), {}).rows["bundle"].metrics
    assert list(metrics) == list(METRICS)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in metrics.values())


def test_the_report_holds_rows_margins_objects_and_pictures(tmp_path: Path) -> None:
    rows = {"inverse_graphics": measured(0.7), "mean_prediction": measured(0.5)}
    report = write_object_report(tmp_path, rows, blank_truth(), {"preset": "smoke"})
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["about"] == {
        "objects": OBJECTS, "novel_views": VIEWS, "size": SIZE, "preset": "smoke",
    }  # fmt: skip
    objects = json.loads((tmp_path / "objects.json").read_text())
    value = report.rows["inverse_graphics"].metrics["iou2d_novel30"].value
    assert written["rows"]["inverse_graphics"]["iou2d_novel30"]["value"] == value
    assert set(written["definitions"]) == set(METRICS)
    assert list(written["row_definitions"]) == list(rows)
    margin = written["margin_iou2d_novel30"]["mean_prediction"]
    assert margin["low"] == pytest.approx(0.2) and margin["high"] == pytest.approx(0.2)
    assert len(objects["inverse_graphics"]["iou3d_bbox"]) == OBJECTS
    assert (tmp_path / "contact_sheet.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "azimuth_errors.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "report.md").read_text()
    assert "| metric | inverse_graphics | mean_prediction |" in text
    assert "inverse_graphics above mean_prediction, object by object: 0.200 (0.200, 0.200)" in text
    assert all(f"| `{name}` | " in text for name in METRICS)
    assert all(f"- `{name}`: {ROWS[name]}." in text for name in rows)


def test_the_page_shows_thirty_objects_and_needs_nothing_beside_it() -> None:
    first, truth = measured(0.5), blank_truth()
    truth.names[int(first.scores.iou2d_novel30.argmax())] = "<script>best</script>.glb"
    two = first._replace(scores=Scores(*(values[:2] for values in first.scores)))
    rows = {"bundle": first, "oracle": two}
    text = object_report(rows, truth, {"bundle": "a & b"}).html()
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    assert len(pictures) == 30 == text.count("<img")
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]))) as image:
        assert image.size == (9 * LINE.cell + 4 * LINE.group_gap + 4 * LINE.gap, LINE.cell)
    assert "http" not in text and "<link" not in text and "<script" not in text
    assert "&lt;script&gt;best&lt;/script&gt;.glb" in text and "a &amp; b" in text
    assert all(f"<td>{name}</td>" in text and f"<dt>{name}</dt>" in text for name in METRICS)
    assert f"<dt>oracle (2 objects)</dt><dd>{ROWS['oracle']}</dd>" in text
    order = [text.index(f"<h3>{title}") for title in ("Best", "Around the median", "Worst")]
    assert order == sorted(order)
    best = text[order[0] : order[1]]
    assert "best" in best and best.count("<figure>") == 10
