# ruff: noqa: E402 - what reads tables is asked for first
import pytest

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra batch)")

import pyarrow.parquet as pq

from service.batch.errors import BatchError
from service.batch.photographs import find
from service.batch.plan import cut


def rows_of(address, objects=None):
    rows = find(str(address), objects).to_pylist()
    last = 2 if objects is None else 3
    assert objects is not None or {row["object"] for row in rows} == {None}
    return [tuple(row.values())[:last] for row in rows]


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


def test_photographs_of_a_folder_are_of_one_object_and_stand_together(tmp_path):
    for name in ("cars/a.jpg", "cars/old/b.jpg", "cars/z.jpg", "lone.jpg", "cars/masks/z.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    assert rows_of(tmp_path, "folder") == [
        (f"{tmp_path}/cars/a.jpg", None, "cars"),
        (f"{tmp_path}/cars/z.jpg", f"{tmp_path}/cars/masks/z.png", "cars"),
        (f"{tmp_path}/cars/old/b.jpg", None, "cars/old"),
        (f"{tmp_path}/lone.jpg", None, None),
    ]
    (tmp_path / "some.txt").write_text("cars/a.jpg\nlone.jpg\ncars/z.jpg\n")
    assert [row[2] for row in rows_of(tmp_path / "some.txt", "folder")] == ["cars", "cars", None]


def test_a_column_of_a_table_names_objects(tmp_path):
    path = tmp_path / "some.parquet"
    names = [f"/{name}.jpg" for name in "abcda"]
    table = pa.table({"photograph": names, "car": [7, 8, None, 7, 8], "at": [0.5] * 5})
    pq.write_table(table, path)
    wanted = [("/a.jpg", "7"), ("/d.jpg", "7"), ("/b.jpg", "8"), ("/a.jpg", "8"), ("/c.jpg", None)]
    assert [(row[0], row[2]) for row in rows_of(path, "car")] == wanted
    for column in ("at", "none"):
        with pytest.raises(BatchError, match=rf"--objects is {column}; .* has photograph string"):
            find(str(path), column)


def test_objects_are_named_by_folders_where_there_are_no_columns(tmp_path):
    with pytest.raises(BatchError, match="--objects is car; of a folder or a list it must be fol"):
        find(str(tmp_path), "car")


def test_no_object_is_cut_by_the_end_of_a_shard():
    def table(names):
        return pa.table({"photograph": list(names), "mask": [None] * len(names), "object": names})

    assert cut(table([*"aaabbcccccd", None]), 4) == [3, 2, 5, 2]
    assert cut(table([None] * 9), 4) == [4, 4, 1]


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
