# ruff: noqa: E402 - what reads tables is asked for first
import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra batch)")

import pyarrow.parquet as pq

from service.batch.errors import BatchError
from service.batch.photographs import find


def rows_of(address):
    return [tuple(row.values()) for row in find(str(address)).to_pylist()]


def test_a_folder_is_looked_through_with_its_masks_and_without_what_is_no_photograph(tmp_path):
    for name in ("b.jpg", "a/x.PNG", "a/masks/x.png", "notes.txt", "__MACOSX/b.jpg", "._b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    assert rows_of(tmp_path) == [
        (f"{tmp_path}/a/x.PNG", f"{tmp_path}/a/masks/x.png"),
        (f"{tmp_path}/b.jpg", None),
    ]
    (tmp_path / "a/masks/x.webp").write_bytes(b"1")
    with pytest.raises(BatchError, match=r"both the mask of a/x\.PNG: keep one"):
        find(str(tmp_path))


def test_a_list_names_each_photograph_once_from_its_own_folder(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("b.jpg\n\n/elsewhere/a.jpg\ns3://bucket/c.jpg\nb.jpg\n")
    wanted = [f"{tmp_path}/b.jpg", "/elsewhere/a.jpg", "s3://bucket/c.jpg"]
    assert rows_of(path) == [(name, None) for name in wanted]


def test_a_table_may_name_masks(tmp_path):
    path = tmp_path / "some.parquet"
    pq.write_table(pa.table({"mask": [None, "m.png"], "photograph": ["a.jpg", "/b.jpg"]}), path)
    assert rows_of(path) == [(f"{tmp_path}/a.jpg", None), ("/b.jpg", f"{tmp_path}/m.png")]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"path": ["a.jpg"]}, "has the columns path string; it must have a column photograph"),
        ({"photograph": [1]}, "has the columns photograph int64"),
        ({"photograph": ["a.jpg", None]}, "no photograph being null"),
    ],
)
def test_a_table_without_photographs_is_refused(tmp_path, columns, told):
    pq.write_table(pa.table(columns), tmp_path / "some.parquet")
    with pytest.raises(BatchError, match=told):
        find(str(tmp_path / "some.parquet"))


@pytest.mark.parametrize("name", ["none", "none.txt", "none.parquet", "junk.parquet", "empty"])
def test_what_cannot_be_read_or_holds_nothing_is_refused(tmp_path, name):
    (tmp_path / "junk.parquet").write_bytes(b"junk")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BatchError, match=name):
        find(str(tmp_path / name))
