import asyncio
import shutil

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra batch)")

import pyarrow.parquet as pq

from service.batch.making import BEGUN, MOST_ATTEMPTS, Maker
from service.batch.photographs import find
from service.batch.places import PARTS, Place
from service.batch.plan import PHOTOGRAPHS, Plan, begin
from service.pipeline.engine import Engine
from service.schemas.objects import ItemOptions
from service.settings import Settings
from tests.service.batch.conftest import BAD, POISONED

SIZE = 15


@pytest.fixture(scope="module")
def engine(bundle_folder):
    engine = Engine(Settings(bundle=str(bundle_folder), segmenter="bundle", threads=1))
    yield engine
    asyncio.run(engine.close())


def planned(photographs, folder):
    table = find(str(photographs))
    place = Place(str(folder))
    missing = begin(place, Plan.of(table, SIZE, {}, {}), table)
    return place, missing


def maker(engine, place, run="first"):
    return Maker(engine, place, ItemOptions(), run)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and PARTS not in path.parts
    }


@pytest.fixture(scope="module")
def made(engine, photographs, tmp_path_factory):
    """The folder of a run that nothing broke."""
    folder = tmp_path_factory.mktemp("made")
    place, missing = planned(photographs, folder)
    assert missing == {0: 15, 1: 15, 2: 10}
    for shard in missing:
        asyncio.run(maker(engine, place).make(shard))
    return folder


def test_every_photograph_has_one_row_and_the_bad_ones_a_reason(photographs, made):
    manifests = sorted((made / "manifests").iterdir())
    rows = [row for path in manifests for row in pq.read_table(path).to_pylist()]
    assert [row["photograph"] for row in rows] == [str(p) for p in sorted(photographs.iterdir())]
    by_name = {row["photograph"].rsplit("/", 1)[-1]: row for row in rows}
    failed = {name: row["outcome"] for name, row in by_name.items() if row["outcome"] != "ok"}
    codes = ["unsupported_format", "empty_file", "internal_error"]
    assert failed == dict(zip((*BAD, POISONED), codes, strict=True))
    for row in rows:
        if row["outcome"] == "ok":
            assert (made / row["mesh"]).read_bytes()[:4] == b"glTF"
            assert 0 <= row["rerender_iou"] <= 1 and row["frame_side"] > 0
        else:
            assert row["message"] and row["mesh"] is None
    assert len(list(made.rglob("*.glb"))) == len(rows) - len(failed)
    assert not list((made / BEGUN).iterdir())


def test_what_a_run_left_half_made_is_made_anew_to_the_same_bytes(
    engine, photographs, made, tmp_path
):
    folder = tmp_path / "half"
    shutil.copytree(made, folder)
    (folder / "manifests/000001.parquet").unlink()
    (folder / "meshes/000001/0003.glb").write_bytes(b"half")
    (folder / "meshes/000001/0009.glb").unlink()
    place, missing = planned(photographs, folder)
    assert missing == {1: 15}
    asyncio.run(maker(engine, place, "second").make(1))
    assert contents(folder) == contents(made)


def test_a_shard_whose_files_cannot_be_written_is_not_done(engine, photographs, tmp_path):
    place, _ = planned(photographs, tmp_path)
    (tmp_path / "meshes").write_text("in the way")
    with pytest.raises(OSError, match="meshes"):
        asyncio.run(maker(engine, place).make(0))
    assert list(planned(photographs, tmp_path)[1]) == [0, 1, 2]


def test_a_photograph_that_ends_the_process_each_time_is_left_out(engine, photographs, tmp_path):
    place, _ = planned(photographs, tmp_path)
    lines = ["first begun 0", "first ended 0", "first begun 1"] * MOST_ATTEMPTS
    others = ["other begun 2"] * MOST_ATTEMPTS
    (tmp_path / BEGUN).mkdir()
    (tmp_path / BEGUN / "000000").write_text("\n".join([*lines, *others, "first beg"]))
    done = asyncio.run(maker(engine, place).make(0))
    assert done.outcomes["crashed"] == 1
    rows = pq.read_table(tmp_path / "manifests/000000.parquet").to_pylist()
    assert rows[1]["outcome"] == "crashed" and "begun 3 times" in rows[1]["message"]


def test_files_that_are_gone_are_told_of_and_stop_nothing(engine, photographs, tmp_path):
    listed = tmp_path / "some.txt"
    listed.write_text(f"/nowhere/a.jpg\n{photographs}/00.png\n{photographs}\n")
    place, _ = planned(listed, tmp_path / "made")
    done = asyncio.run(maker(engine, place).make(0))
    assert done.outcomes == {"unreadable_file": 2, "ok": 1}


def test_each_shard_reads_its_own_rows_only(made):
    assert pq.ParquetFile(made / PHOTOGRAPHS).num_row_groups == 3
