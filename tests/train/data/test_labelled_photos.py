import math

import pytest
from PIL import Image

from train.data.labelled_photos import mask_named, read_labels
from train.data.picture_files import PhotographsError


def write(folder, table: str | None, *names: str):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name)
    if table is not None:
        (folder / "photos.csv").write_text(table)
    return folder


def test_a_row_is_a_photograph_with_its_angles_and_its_mask(tmp_path):
    table = "file,azimuth_degrees,elevation_degrees\na.png,30,\nmore/b.png,-90.5,12\n"
    write(tmp_path, table, "a.png", "more/b.png", "masks/b.png")
    first, second = read_labels(tmp_path)
    assert first.path == tmp_path / "a.png" and first.azimuth_degrees == 30 and first.mask is None
    assert math.isnan(first.elevation_degrees)
    assert second[:3] == (tmp_path / "more/b.png", -90.5, 12) and second.mask.name == "b.png"


def test_a_mask_has_exactly_the_name_of_its_photograph(tmp_path):
    write(tmp_path, None, "a.old.png", "[x].png", "x.png")
    assert mask_named(tmp_path, tmp_path / "a.jpg") is None
    assert mask_named(tmp_path, tmp_path / "a.old.jpg").name == "a.old.png"
    assert mask_named(tmp_path, tmp_path / "[x].jpg").name == "[x].png"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "no photos.csv: python -m train.annotate"),
        ("", "needs a head with file and azimuth_degrees"),
        ("file,angle\na.png,1\n", "needs a head"),
        ("azimuth_degrees,file\n10\n", "row 1: there is no file ''"),
        ("file,azimuth_degrees\na.png,1\nb.png,2\n", "row 2: there is no file 'b.png'"),
        ("file,azimuth_degrees\na.png\n", "row 1: could not convert"),
        ("file,azimuth_degrees\na.png,nan\n", "row 1: azimuth_degrees is nan"),
        ("file,azimuth_degrees,elevation_degrees\na.png,1,high\n", "row 1: could not convert"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(table, words, tmp_path):
    write(tmp_path, table, "a.png")
    with pytest.raises(PhotographsError, match=words):
        read_labels(tmp_path)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "photos.csv").write_bytes(b"\xff\xfe\x00file")
    with pytest.raises(PhotographsError, match="cannot be read"):
        read_labels(tmp_path)
