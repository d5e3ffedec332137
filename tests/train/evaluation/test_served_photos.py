import csv
import json

import numpy as np
import pytest
from PIL import Image

from train import evaluate
from train.data.labelled_photos import LabelledPhoto, read_labels
from train.data.picture_files import PhotographsError
from train.data.vehicles import HELD_OUT_SEED, photographs
from train.evaluation import served_report
from train.evaluation.served_photos import ServedPhoto

COUNT = 5


@pytest.fixture
def folder(tmp_path):
    """Held-out procedural photographs with their true azimuths, one of them with a mask."""
    folder = tmp_path / "cars"
    (folder / "masks").mkdir(parents=True)
    taken = photographs(HELD_OUT_SEED, np.arange(COUNT), 256)
    with (folder / "photos.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["file", "azimuth_degrees", "author"])
        for number, image in enumerate(taken.images):
            Image.fromarray(image).save(folder / f"{number}.png")
            writer.writerow([f"{number}.png", taken.cameras[number, 0], "us"])
        writer.writerow(["text.png", 0, "us"])
    (folder / "text.png").write_text("no picture")
    Image.fromarray(taken.masks[0]).save(folder / "masks" / "0.png")
    return folder


def served(error, confidence, answered=True, second=180.0, flags=()):
    entry = {"status": "error"}
    if answered:
        entry = {"confidence": confidence, "rerender_iou": 0.5, "quality_flags": list(flags)}
    photo = LabelledPhoto(None, 0.0, np.nan, None)
    return ServedPhoto(photo, entry, error, second, np.nan, np.nan, [[]] if answered else [])


@pytest.mark.server
def test_labelled_photographs_are_posted_and_compared_with_their_labels(folder, tmp_path):
    out = tmp_path / "report"
    assert evaluate.main(["photos", str(folder), "--folds", "2", "--out", str(out)]) == 0
    report = json.loads((out / "report.json").read_text())
    rows = report["rows"]
    assert rows["all"]["azimuth_acc30"]["value"] == pytest.approx(COUNT / (COUNT + 1))
    assert rows["all"]["answered"]["value"] == pytest.approx(COUNT / (COUNT + 1))
    assert rows["all"]["azimuth_flipped"]["value"] == pytest.approx(1 / (COUNT + 1))  # no picture
    assert rows["all"]["iou2d_segmenter"]["value"] > 0.85
    assert rows["all"]["iou2d_rerender"]["value"] > 0.85
    assert rows["fold_0"]["azimuth_acc30"]["value"] == 1
    assert rows["fold_1"]["azimuth_acc30"]["value"] == pytest.approx(2 / 3)
    assert report["photographs"][-1]["error"]["code"]
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.height > COUNT * 128


def test_metrics_count_flips_and_follow_the_confidence():
    found = served_report.served_metrics(
        [
            served(5, 0.99),
            served(170, 0.95, second=8, flags=["ambiguous_front_back"]),
            served(20, 0.6, second=160),
            served(100, 0.3),
            served(180, 0, False),
        ]
    )
    values = {name: round(estimate.value, 3) for name, estimate in found.items()}
    assert values["azimuth_acc30"] == 0.4 and values["azimuth_flipped"] == 0.4
    assert values["azimuth_acc30_top50"] == round(2 / 3, 3)
    assert values["azimuth_acc30_top80"] == 0.5
    assert values["azimuth_acc30_sure"] == 0.5
    assert values["answered"] == 0.8
    assert values["azimuth_acc30_either"] == 0.6 and values["ambiguous"] == 0.2


def test_a_network_that_is_as_right_as_it_is_confident_is_calibrated():
    errors = np.array([0.0] * 8 + [180.0] * 2)
    (row,) = served_report.reliability(np.full(10, 0.8), errors)
    assert row["count"] == 10 and row["azimuth_acc30"] == pytest.approx(row["confidence"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,angle\na.png,3\n", "needs a head with file and azimuth_degrees"),
        ("file,azimuth_degrees\n", "and rows"),
        ("file,azimuth_degrees\na.png,left\n", "row 1.*could not convert"),
        ("file,azimuth_degrees\na.png,nan\n", "row 1: azimuth_degrees is nan"),
        ("file,azimuth_degrees\nb.png,3\n", "row 1: there is no file 'b.png'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_its_row(tmp_path, table, said):
    (tmp_path / "photos.csv").write_text(table)
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    with pytest.raises(PhotographsError, match=said):
        read_labels(tmp_path)
