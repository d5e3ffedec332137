"""Jobs whose items are objects: a folder of photographs becomes one mesh."""

import asyncio
import io
import json
import zipfile

import pytest
from PIL import Image

from graphics.frames import FRAME
from service.jobs.store import JobStore
from service.jobs.turns import Turns
from service.jobs.worker import MOST_ATTEMPTS, Jobs
from service.schemas.objects import ItemOptions
from service.schemas.photographs import Upload
from tests.service.jobs.test_worker import ended, results
from tests.service.requests import jpeg, png, post

FRONT, AGAIN = jpeg(), jpeg(width=150, height=90)
OTHER = jpeg(width=60, height=160, colour=(20, 150, 20))
MOST = 64
"""Photographs of an object, as in a request."""


def zipped(*files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return {"archive": ("photographs.zip", file.getvalue())}


def mask():
    picture = Image.new("L", (60, 160))
    picture.paste(255, (10, 20, 40, 50))
    return png(picture)


@pytest.fixture(scope="module")
def job(client):
    files = zipped(
        ("car/front.jpg", FRONT), ("lone.jpg", OTHER), ("car/bad.jpg", b"junk"),
        ("bus/a.jpg", OTHER), ("car/again.jpg", AGAIN), ("bus/masks/a.jpg", mask()),
        *((f"heap/{i}.jpg", b"x") for i in range(MOST + 1)),
    )  # fmt: skip
    answer = client.post("/v1/jobs", files=files, data={"objects": "folder", "refine": "1"})
    assert answer.status_code == 202, answer.text
    return ended(client, answer.json())


@pytest.fixture(scope="module")
def lines(client, job):
    text = results(client, job, "application/x-ndjson").text
    return [json.loads(line) for line in text.splitlines()]


def test_each_folder_is_one_item_and_a_photograph_in_none_is_its_own(job):
    assert (job["total"], job["succeeded"], job["failed"]) == (4, 3, 1)
    assert (job["options"]["objects"], job["options"]["refine"]) == ("folder", 1)
    outcomes = [(item["name"], item["status"]) for item in job["items"]]
    assert outcomes == [("car", "ok"), ("lone.jpg", "ok"), ("bus", "ok"), ("heap", "error")]


def test_a_folder_of_more_photographs_than_a_request_may_have_is_refused_by_name(job):
    problem = job["items"][3]["error"]
    assert problem["code"] == "too_many_photographs"
    assert f"object 'heap' has {MOST + 1} photographs; at most {MOST}" in problem["message"]


def test_the_lines_have_each_photograph_and_then_its_object(lines):
    *entries, summary = lines
    assert summary == {"succeeded": 4, "failed": 1 + MOST + 1}
    car = entries[:4]
    assert [one["index"] for one in car] == [0, 2, 4, 0]
    assert [one["object"] for one in car[:3]] == ["car"] * 3 and car[3]["name"] == "car"
    assert car[3]["mesh"] and sum(car[3]["coverage"]) == pytest.approx(1, abs=1e-4)
    assert car[0]["camera"] and car[2]["camera"]
    assert [one["index"] for one in entries[4:8]] == [1, 1, 3, 2]


def test_a_damaged_photograph_and_a_copy_are_named_and_left_out(lines):
    reasons = {each["index"]: each.get("reason") for each in lines[3]["photographs"]}
    assert reasons == {0: None, 2: "failed", 4: "duplicate"}
    assert lines[1]["error"]["code"] == "unsupported_format"


def test_a_folder_of_masks_stays_one(lines):
    assert lines[6]["frame"]["side"] == pytest.approx(FRAME * 30, abs=1)


def test_the_zip_has_one_mesh_for_each_object(client, job):
    content = results(client, job, "application/zip").content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        body = json.loads(archive.read("answer.json"))
        assert [one["name"] for one in body["objects"]] == ["car", "lone.jpg", "bus", "heap"]
        assert [one["index"] for one in body["images"]] == list(range(5 + MOST + 1))
        names = [name for name in archive.namelist() if name.endswith(".glb")]
        assert names == [f"object-{number:04}/mesh.glb" for number in range(3)]
        assert archive.read(body["objects"][0]["mesh"]["data"])[:4] == b"glTF"


def test_a_job_says_of_an_object_what_a_request_says(client):
    contents, names = (FRONT, OTHER, AGAIN), ["a", "b", "a"]
    wanted = post(client, *contents, object=names).json()
    files = [("images", (f"{i}.jpg", content)) for i, content in enumerate(contents)]
    made = client.post("/v1/jobs", files=files, data={"object": names})
    assert made.status_code == 202, made.text
    assert made.json()["options"]["objects"] == "named"
    content = results(client, ended(client, made.json()), "application/zip").content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        body = json.loads(archive.read("answer.json"))
    for one, other in zip(body["objects"], wanted["objects"], strict=True):
        assert (one["index"], one["name"]) == (other["index"], other["name"])
        assert one["photographs"] == other["photographs"]
        assert one["coverage"] == pytest.approx(other["coverage"], abs=1e-3)
    cameras = [entry["camera"]["azimuth_degrees"] for entry in body["images"]]
    asked = [entry["camera"]["azimuth_degrees"] for entry in wanted["images"]]
    assert cameras == pytest.approx(asked, abs=1e-2)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"objects": "folders"}, "must be one of ('none', 'folder', 'named')"),
        ({"objects": "named"}, "field object is missing"),
        ({"objects": "folder", "object": ["a"]}, "leave it out"),
        ({"object": ["a", "b"]}, "got 2 names in field object for 1 images"),
        ({"object": [""]}, "0 characters; 1..255"),
    ],
)
def test_groupings_that_cannot_be_meant_are_refused(client, fields, says):
    found = client.post("/v1/jobs", files=[("images", ("a.jpg", FRONT))], data=fields)
    assert found.status_code == 400
    assert says in found.json()["error"]["message"]


def uploads(*named):
    return [Upload(f"{i}.jpg", jpeg, object=name) for i, name in enumerate(named)]


def test_turns_are_counted_by_photographs_and_no_object_is_too_large(tmp_path):
    store = JobStore(tmp_path)
    large = store.create({"objects": "named"}, uploads(*"aaaaabbcc"))
    small = store.create({}, uploads(*[None] * 9))
    assert store.free(large, 2) == {0: 5, 1: 2}
    turns = Turns(store)
    assert turns.choose(4, {(small, 8): 1}) == {large: [0]}
    assert turns.choose(8, {}) == {small: [0, 1, 2], large: [0]}
    assert turns.choose(3, {(large, 0): 5}) == {small: [0, 1, 2]}
    assert turns.choose(0, {}) == {}
    store.close()


def test_an_object_that_ends_the_process_each_time_is_left_out_whole(client, tmp_path):
    from service.api import routes

    engine = routes.state.engine

    async def run():
        jobs = Jobs(engine, JobStore(tmp_path))
        images = uploads("a", "b", "a")
        job = (await jobs.create(ItemOptions(objects="named"), images)).id
        for _ in range(MOST_ATTEMPTS):
            (item,) = jobs.store.take({job: [0]})
            jobs.store.give_back(item, counts=True)
        jobs.start()
        while (found := jobs.store.job(job)).state == "running":
            await asyncio.sleep(0.02)
        first, second = jobs.store.items(job, 0, 9, ("ok", "error"))
        answers = jobs.store.answer(first).splitlines()
        await jobs.close()
        return found, first, second, [json.loads(answer) for answer in answers]

    found, first, second, answers = client.portal.call(run)
    assert found.counts == {"ok": 1, "error": 1}
    assert (first.code, second.state) == ("crashed", "ok")
    assert [answer["error"]["code"] for answer in answers] == ["crashed"] * 3
    assert [answer["name"] for answer in answers] == ["0.jpg", "2.jpg", "a"]
