import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from graphics.sheet import Row, jpeg_of, png_of, sheet_of
from train.data.picture_files import Skipped
from train.evaluation.metrics import Estimate, Metric
from train.evaluation.report import Picture, Report, ReportRow

SHEET = sheet_of([Row([[np.zeros((4, 4, 3), np.uint8)]])])
REPORT = Report(
    "Of <nothing>",
    {"bundle": "a & b", "objects": 3},
    {
        "ours": ReportRow({"iou": Estimate(0.5, 0.25, 0.75), "db": Estimate(20.0)}, "what is ours"),
        "other": ReportRow({"iou": Estimate(0.125)}, "what is not", "2 objects"),
    },
    {"iou": Metric("overlap"), "db": Metric("decibels < infinity", digits=1)},
    "range",
    notes=["remember"],
    skipped=[Skipped(f"{number}.png", "it is <broken>") for number in range(22)],
    files={"contact_sheet.png": png_of(SHEET)},
    pictures=[
        Picture(jpeg_of(SHEET), "<script>", "Best"), Picture(jpeg_of(SHEET), "second", "Best"),
        Picture(png_of(SHEET), "third", "Worst"),
    ],
    pictures_text="from left to right",
    details={"flags": {"small": 2}},
)  # fmt: skip


def test_programs_find_every_row_and_metric(tmp_path: Path) -> None:
    REPORT.write(tmp_path, "mine")
    assert json.loads((tmp_path / "mine.json").read_text()) == {
        "about": {"bundle": "a & b", "objects": 3},
        "row_definitions": {"ours": "what is ours", "other": "what is not"},
        "definitions": {"iou": "overlap", "db": "decibels < infinity"},
        "rows": {
            "ours": {"iou": {"value": 0.5, "low": 0.25, "high": 0.75}, "db": {"value": 20.0}},
            "other": {"iou": {"value": 0.125}},
        },
        "flags": {"small": 2},
        "skipped": [{"name": f"{n}.png", "reason": "it is <broken>"} for n in range(22)],
    }
    assert (tmp_path / "contact_sheet.png").read_bytes() == png_of(SHEET)
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine.json", "mine.md", "mine.html", "contact_sheet.png",
    }  # fmt: skip


def test_the_markdown_has_a_line_per_metric() -> None:
    text = REPORT.markdown()
    assert text.startswith('# Of <nothing>\n\n- bundle: "a & b"\n- objects: 3\n\n| metric | ')
    assert "| metric | ours | other (2 objects) |\n|---|---|---|\n" in text
    assert "| `iou` | 0.500 (0.250, 0.750) | 0.125 |\n| `db` | 20.0 |  |\n\n" in text
    assert "In brackets: range.\n\n- `ours`: what is ours.\n- `other (2 objects)`: " in text
    assert "\n\n- remember\n\n## Left out: 22\n\n- 0.png: it is <broken>\n" in text
    assert "- 19.png" in text and "- 20.png" not in text and "- and 2 more, named in" in text
    assert "\n## What is measured\n\n- `iou`: overlap.\n- `db`: decibels < infinity.\n\n" in text
    assert text.endswith("![contact sheet](contact_sheet.png)\n")
    assert "\n\n\n" not in text


def test_rows_can_be_the_lines() -> None:
    text = replace(REPORT, metrics_down=False, skipped=(), notes=(), files={}).markdown()
    assert "| row | iou | db |\n|---|---|---|\n| `ours` | 0.500 (0.250, 0.750) | 20.0 |\n" in text
    assert "| `other (2 objects)` | 0.125 |  |\n" in text
    assert "Left out" not in text and text.endswith("infinity.\n")


def test_the_page_escapes_what_it_shows_and_needs_nothing_beside_it() -> None:
    text = REPORT.html()
    pictures = re.findall(r'src="data:image/(jpeg|png);base64,([^"]+)"', text)
    assert [kind for kind, _ in pictures] == ["jpeg", "jpeg", "png"]
    assert base64.b64decode(pictures[2][1]) == png_of(SHEET)
    assert re.findall(r"<h3>(.*?)</h3>", text) == ["Best", "Worst"]
    assert "http" not in text and "<link" not in text and "<script" not in text
    for escaped in ("&lt;script&gt;", "a &amp; b", "Of &lt;nothing&gt;", "it is &lt;broken&gt;"):
        assert escaped in text
    assert text.count("broken") == 22 and "<td>0.500 (0.250, 0.750)</td>" in text


def test_the_same_values_give_the_same_files(tmp_path: Path) -> None:
    for name in ("first", "second"):
        REPORT.write(tmp_path / name)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
