"""Folders of photographs, each of one object, to one mesh each."""

import asyncio

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra batch)")

import pyarrow.parquet as pq

from service.batch.making import BEGUN, Maker
from service.batch.photographs import FOLDER, find
from service.batch.places import Place
from service.batch.plan import Plan, begin
from service.batch.report import Pace, Summary, write
from service.pipeline.engine import Engine
from service.schemas.objects import ItemOptions
from service.settings import Settings
from tests.service.batch.test_making import contents
from tests.service.requests import jpeg

MOST = 4
OPTIONS = ItemOptions(objects="named")
PHOTOGRAPHS = {
    "car/1.jpg": jpeg(), "car/2.jpg": b"junk", "car/3.jpg": jpeg(width=150, height=90),
    "bus/1.jpg": jpeg(width=60, height=160, colour=(20, 150, 20)), "lone.jpg": jpeg(),
    **{f"heap/{number}.jpg": b"x" for number in range(MOST + 1)},
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(bundle_folder):
    settings = Settings(
        bundle=str(bundle_folder), segmenter="bundle", threads=1, largest_request=MOST
    )
    engine = Engine(settings)
    yield engine
    asyncio.run(engine.close())


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folders")
    for name, content in PHOTOGRAPHS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def planned(folders, folder):
    table = find(str(folders), FOLDER)
    place = Place(str(folder))
    return place, begin(place, Plan.of(table, 6, OPTIONS.model_dump(), {}), table)


@pytest.fixture(scope="module")
def made(engine, folders, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    place, missing = planned(folders, folder)
    assert missing == {0: 4, 1: 6}  # bus and car; heap and lone
    for shard in missing:
        asyncio.run(Maker(engine, place, OPTIONS, "first").make(shard))
    return folder


@pytest.fixture(scope="module")
def rows(folders, made):
    tables = [pq.read_table(path) for path in sorted((made / "manifests").iterdir())]
    every = [row for table in tables for row in table.to_pylist()]
    return {row["photograph"].removeprefix(f"{folders}/"): row for row in every}


def test_each_photograph_has_a_row_and_each_object_a_mesh(made, rows):
    assert set(rows) == set(PHOTOGRAPHS)
    meshes = {name: row["mesh"] for name, row in rows.items() if row["mesh"]}
    wanted = {"bus/1.jpg": "000000/0000", "car/1.jpg": "000000/0001", "lone.jpg": "000001/0005"}
    assert meshes == {name: f"meshes/{mesh}.glb" for name, mesh in wanted.items()}
    for name in meshes.values():
        assert (made / name).read_bytes()[:4] == b"glTF"
    assert len(list(made.rglob("*.glb"))) == len(meshes)
    car = rows["car/1.jpg"]
    assert car["object"] == "car" and car["distance"] > 0 and car["left_out"] is None
    assert sum(car["coverage"]) == pytest.approx(1, abs=1e-4)
    assert rows["lone.jpg"]["object"] is None


def test_what_is_damaged_or_a_copy_is_named_and_left_out(rows):
    assert rows["car/2.jpg"]["outcome"] == "unsupported_format"
    again = rows["car/3.jpg"]
    assert (again["outcome"], again["left_out"], again["mesh"]) == ("ok", "duplicate", None)


def test_an_object_of_too_many_photographs_is_refused_by_name(rows):
    heap = [row for name, row in rows.items() if name.startswith("heap/")]
    assert {row["outcome"] for row in heap} == {"too_many_photographs"}
    assert f"object 'heap' has {MOST + 1} photographs; at most {MOST}" in heap[0]["message"]


def test_half_a_shard_is_made_anew_to_the_same_bytes(engine, folders, made, tmp_path):
    place, _ = planned(folders, tmp_path)
    (tmp_path / BEGUN).mkdir()
    (tmp_path / BEGUN / "000000").write_text("first begun 0\nfirst ended 0\nfirst begun 1\n")
    for shard in (0, 1):
        asyncio.run(Maker(engine, place, OPTIONS, "first").make(shard))
    assert contents(tmp_path) == contents(made)


def test_an_object_that_ends_the_process_each_time_is_left_out_whole(engine, folders, tmp_path):
    place, _ = planned(folders, tmp_path)
    (tmp_path / BEGUN).mkdir()
    (tmp_path / BEGUN / "000000").write_text("first begun 1\n" * 3)
    done = asyncio.run(Maker(engine, place, OPTIONS, "first").make(0))
    assert done.outcomes == {"ok": 1, "crashed": 3}


def test_the_report_counts_objects(made):
    place = Place(str(made))
    summary = Summary(place, OPTIONS)
    assert (summary.meshes, summary.left_out) == (3, {"duplicate": 1})
    write(place, summary, Pace(10, 1.0, 1, 1), None)
    told = (made / "report.md").read_text()
    assert "3 objects became meshes from 4 of 10 photographs." in told
    assert "| duplicate | 1 |" in told
