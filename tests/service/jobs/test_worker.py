import base64
import io
import json
import time
import zipfile

import pytest
from PIL import Image

from graphics.frames import FRAME
from service.errors import RequestError
from service.siblings import Column
from tests.service.requests import jpeg, png, post
from tests.service.small_bundle import POISON_GREY


def create(client, *contents, **fields):
    files = [("images", (f"{i}.jpg", content)) for i, content in enumerate(contents)]
    answer = client.post("/v1/jobs", files=files, data=fields)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.json()


def ended(client, job, seconds=60):
    """The job, looked at until it is no longer running."""
    deadline = time.monotonic() + seconds
    progress = [0]
    while True:
        body = client.get(f"/v1/jobs/{job['id']}").json()
        progress.append(body["progress"])
        assert progress == sorted(progress)
        if body["state"] != "running":
            return body
        assert time.monotonic() < deadline, body
        time.sleep(0.02)


def results(client, job, accept):
    return client.get(f"/v1/jobs/{job['id']}/results", headers={"accept": accept})


def test_a_job_ends_with_an_outcome_for_every_image(client):
    poison = png(Image.new("RGB", (40, 40), (POISON_GREY,) * 3))
    contents = [jpeg(colour=(50 + i, 0, 0)) for i in range(100)]
    contents[10], contents[20] = b"junk", poison
    job = create(client, *contents, format="stl")
    assert (job["state"], job["total"]) == ("running", 100)
    assert job["options"]["format"] == "stl"
    body = ended(client, job)
    assert (body["state"], body["succeeded"], body["failed"]) == ("done", 98, 2)
    assert (body["waiting"], body["progress"]) == (0, 1)
    assert body["finished_at"] < body["expires_at"]
    assert "eta_seconds" not in body
    assert [item["index"] for item in body["items"]] == list(range(100))
    errors = {i["index"]: i["error"]["code"] for i in body["items"] if i["status"] == "error"}
    assert errors == {10: "unsupported_format", 20: "internal_error"}


def test_the_results_are_those_of_a_request(client):
    contents = [jpeg(), b"", jpeg(colour=(9, 9, 9))]
    wanted = post(client, *contents, preview="1").json()["images"]
    job = create(client, *contents, preview="1")
    ended(client, job)
    *lines, summary = map(
        json.loads, results(client, job, "application/x-ndjson").text.splitlines()
    )
    assert summary == {"succeeded": 2, "failed": 1}
    assert [line["index"] for line in lines] == [0, 1, 2]
    assert lines[1]["error"] == wanted[1]["error"]
    for index in (0, 2):
        assert lines[index]["mask"] == wanted[index]["mask"]
        assert lines[index]["name"] == f"{index}.jpg"
    answer = results(client, job, "*/*")
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        body = json.loads(archive.read("answer.json"))
        assert (body["succeeded"], body["failed"]) == (2, 1)
        assert archive.read("0002/mask.png") == base64.b64decode(wanted[2]["mask"])
        assert archive.read(body["images"][0]["mesh"]["data"])[:4] == b"glTF"


def test_a_zip_of_photographs_is_a_job(client):
    mask = Image.new("L", (120, 90))
    mask.paste(255, (10, 20, 40, 50))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (
            ("cars/a.jpg", jpeg()), ("b.jpg", jpeg()), ("masks/b.jpg", png(mask)), ("c.txt", b"x"),
        ):  # fmt: skip
            archive.writestr(name, content)
    files = {"archive": ("photographs.zip", file.getvalue())}
    answer = client.post("/v1/jobs", files=files, data={"format": "npz"})
    body = ended(client, answer.json())
    outcomes = [(item["name"], item["status"]) for item in body["items"]]
    assert outcomes == [("cars/a.jpg", "ok"), ("b.jpg", "ok"), ("c.txt", "error")]
    lines = results(client, body, "application/x-ndjson").text.splitlines()
    assert json.loads(lines[1])["frame"]["side"] == pytest.approx(FRAME * 30, abs=1)


def test_the_items_are_listed_in_pages(client):
    job = ended(client, create(client, *[b"x"] * 25))
    page = client.get(f"/v1/jobs/{job['id']}?first=10&limit=5").json()
    assert [item["index"] for item in page["items"]] == [10, 11, 12, 13, 14]
    assert page["total"] == 25
    for query in ("first=-1", "limit=0", "limit=1001", "first=x", "first=99999999999999"):
        assert client.get(f"/v1/jobs/{job['id']}?{query}").status_code == 400


def test_a_job_is_cancelled_and_then_deleted(client):
    from service.api import routes

    job = create(client, *[jpeg()] * 200)
    cancelled = client.delete(f"/v1/jobs/{job['id']}").json()
    assert cancelled["state"] == "cancelled"
    assert cancelled["waiting"] + cancelled["succeeded"] == 200
    engine = routes.state.engine
    deadline = time.monotonic() + 30
    while engine.siblings.own(Column.IMAGES):  # what was begun is finished
        assert time.monotonic() < deadline
        time.sleep(0.02)
    body = client.get(f"/v1/jobs/{job['id']}").json()
    assert body["state"] == "cancelled"
    assert body["waiting"] > 0
    assert results(client, job, "application/zip").status_code == 200
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 200
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/results")):
        answer = client.request(method, f"/v1/jobs/{job['id']}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_job")


def test_requests_are_answered_beside_a_large_job(client):
    job = create(client, *[jpeg()] * 300)
    assert post(client, jpeg()).status_code == 200
    body = client.get(f"/v1/jobs/{job['id']}").json()
    assert body["state"] == "running"
    assert body["waiting"] > 100
    client.delete(f"/v1/jobs/{job['id']}")


def test_a_job_waits_while_requests_fill_the_queue(client):
    from service.api import routes

    engine = routes.state.engine
    while engine.siblings.own(Column.IMAGES):  # of jobs that earlier tests cancelled
        time.sleep(0.05)
    with engine.admit(engine.settings.queue_limit):
        job = create(client, jpeg())
        time.sleep(0.3)
        body = client.get(f"/v1/jobs/{job['id']}").json()
        assert (body["state"], body["waiting"]) == ("running", 1)
    assert ended(client, job)["succeeded"] == 1


def test_an_eta_shrinks_to_nothing(client):
    start = time.monotonic()
    job = create(client, *[jpeg()] * 150)
    etas, most = [], []
    while (body := client.get(f"/v1/jobs/{job['id']}").json())["state"] == "running":
        if (eta := body.get("eta_seconds")) is not None:
            etas.append(eta)
            # That of the slowest machine, where one image is finished so far.
            most.append(body["waiting"] * (time.monotonic() - start) + 0.1)
        time.sleep(0.05)
    assert etas
    assert all(0 <= eta <= limit for eta, limit in zip(etas, most, strict=True))


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"files": [("archive", ("a.zip", b"junk"))]}, 422, "unreadable_zip"),
        ({"files": [("archive", (None, "http://127.0.0.1:1/a.zip"))]}, 400, "invalid_field"),
        ({"files": [("archive", ("a", b"x")), ("images", ("b", b"x"))]}, 400, "invalid_field"),
        ({"files": [("archive", ("a", b"x"))] * 2}, 400, "invalid_field"),
        ({"files": [("format", (None, "glb"))]}, 400, "wrong_count"),
        ({"files": [("images", ("a", b"x"))], "data": {"format": "fbx"}}, 400, "invalid_field"),
        ({"files": [("surprise", ("a", b"x"))]}, 400, "unknown_field"),
        ({"json": {}}, 415, "wrong_content_type"),
        ({"files": [("images", ("a", bytes(5 << 20)))]}, 413, "body_too_large"),
    ],
)
def test_a_job_that_cannot_be_made_is_one_clear_refusal(client, fields, status, code):
    answer = client.post("/v1/jobs", **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_text_part_is_an_error_of_its_own(client):
    files = [("images", ("a.jpg", jpeg())), ("images", (None, "http://127.0.0.1:1/secret.jpg"))]
    body = ended(client, client.post("/v1/jobs", files=files).json())
    assert [item["status"] for item in body["items"]] == ["ok", "error"]
    assert body["items"][1]["error"]["code"] == "not_a_file"


def test_results_are_zip_or_lines(client):
    job = ended(client, create(client, b"x"))
    assert results(client, job, "text/html").status_code == 406


def test_results_that_do_not_fit_are_an_error_of_their_image(bundle_folder, tmp_path):
    import asyncio

    from service.jobs.store import JobStore
    from service.jobs.worker import Jobs
    from service.pipeline.engine import Engine
    from service.schemas.options import ImageOptions
    from service.schemas.photographs import Upload
    from service.settings import Settings

    engine = Engine(
        Settings(
            bundle=str(bundle_folder),
            segmenter="bundle",
            device="cpu",
            threads=2,
            jobs_limit_mebibytes=1,
        )
    )

    async def run():
        jobs = Jobs(engine, JobStore(tmp_path, limit=1 << 20))
        jobs.store.create({}, [Upload("other.jpg", jpeg)])
        (other,) = jobs.store.items(jobs.store.running()[0], 0, 1, ("waiting",))
        jobs.store.finish(other, bytes(900 << 10), None)
        with pytest.raises(RequestError, match="more than the 1 MiB allowed") as caught:
            await jobs.create(ImageOptions(), [Upload("a.jpg", lambda: bytes(2 << 20))])
        assert caught.value.status == 507
        items = [Upload(f"{i}.jpg", jpeg, None) for i in range(20)]
        job = (await jobs.create(ImageOptions(format="npz", preview=True), items)).id
        jobs.start()
        while (found := jobs.store.job(job)).state == "running":
            await asyncio.sleep(0.02)
        codes = {item.code for item in jobs.store.items(job, 0, 100, ("error",))}
        held = jobs.store.bytes_held()
        await jobs.close()
        await engine.close()
        return found, held, codes

    found, held, codes = asyncio.run(run())
    assert found.counts["ok"] > 0
    assert found.counts["error"] > 0
    assert codes == {"jobs_full"}
    assert held < 1.2 * (1 << 20)
    files = (path for path in tmp_path.rglob("*") if path.parent != tmp_path and path.is_file())
    assert held == sum(path.stat().st_size for path in files)


def test_an_empty_mask_is_an_error_of_its_image_as_in_a_request(client):
    files = [("images", ("a.jpg", jpeg())), ("masks", ("a.jpg", b""))]
    (wanted,) = client.post("/v1/reconstruct", files=files).json()["images"]
    (item,) = ended(client, client.post("/v1/jobs", files=files).json())["items"]
    assert item["error"] == wanted["error"]
    assert item["error"]["code"] == "unreadable_mask"
