"""Jobs as clients send them: quickly kept, all or nothing, never twice, never beyond the limits."""

import asyncio
import io
import os
import time
import zipfile
from contextlib import contextmanager

import httpx
import pytest

from service.http.spool import Spool
from service.jobs.store import JobStore
from service.pipeline.engine import Engine
from service.schemas.photographs import Upload
from service.settings import Settings
from service.siblings import Column
from tests.public_reports.small_disk import serving_in_process
from tests.service.requests import jpeg

MIB = 1 << 20
JOBS_MEBIBYTES = 16
SPOOL_MEBIBYTES = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def own(bundle_folder, folder):
    settings = Settings(
        bundle=str(bundle_folder),
        segmenter="bundle",
        device="cpu",
        threads=1,
        body_limit_mebibytes=6,
        spool_limit_mebibytes=SPOOL_MEBIBYTES,
        jobs_limit_mebibytes=JOBS_MEBIBYTES,
        jobs_folder=str(folder),
    )
    store = JobStore(folder, limit=JOBS_MEBIBYTES * MIB)
    with serving_in_process(Engine(settings), store, Spool(SPOOL_MEBIBYTES)) as client:
        yield client


@contextmanager
def held_up():
    """Jobs are kept, and not begun."""
    from service.api import routes

    engine = routes.state.engine
    while engine.siblings.own(Column.IMAGES):  # of jobs that are deleted
        time.sleep(0.05)
    with engine.admit(engine.settings.queue_limit):
        yield


def folders(folder):
    return [path for path in folder.iterdir() if path.is_dir()]


def delete(client, answer):
    for _ in range(2):
        assert client.delete(f"/v1/jobs/{answer.json()['id']}").status_code == 200


def photographs(count):
    return [("images", (f"{i}.jpg", jpeg())) for i in range(count)]


def encoded(files, boundary="b0undary"):
    """The body of a form, and its headers."""
    request = httpx.Request(
        "POST",
        "http://service/v1/jobs",
        files=files,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    return request.read(), dict(request.headers)


async def call(body, headers, before_last=None, leave_after=None, chunks=1):
    """One call of the routes: its status; None where there is none.

    Awaited: `before_last` before the last byte of the body comes, `leave_after` before the client
    leaves, which it does not without.
    """
    from service.api import routes

    most, step = body[:-1], len(body) // chunks
    parts = [most[start : start + step] for start in range(0, len(most), step)] + [body[-1:]]
    statuses = []

    async def receive():
        if len(parts) == 1 and before_last is not None:
            await before_last()
        if parts:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
        await (leave_after or asyncio.Event().wait)()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "method": "POST", "path": "/v1/jobs", "raw_path": b"/v1/jobs",
        "query_string": b"", "root_path": "", "scheme": "http", "http_version": "1.1",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    await routes(scope, receive, send)
    return statuses[0] if statuses else None


def leave_while_keeping(client, folder, headers, body):
    before = set(folders(folder))

    async def begun():
        while set(folders(folder)) == before:
            await asyncio.sleep(0)

    return client.portal.call(call, body, headers, None, begun)


def test_ten_thousand_files_wait_for_the_disk_a_few_times(tmp_path, monkeypatch):
    waits, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (waits.append(file), sync(file)))
    content = os.urandom(3000)
    store = JobStore(tmp_path)
    began = time.perf_counter()
    job = store.create({}, [Upload(f"{i}.jpg", lambda: content) for i in range(10_000)])
    assert time.perf_counter() - began < 10  # one second where nothing else runs
    assert len(waits) <= 5
    (item,) = store.items(job, 9_999, 1, ("waiting",))
    ((_, upload),) = store.uploads(item)
    assert upload.read() == content
    store.close()


def test_a_client_that_leaves_while_its_job_is_kept_leaves_none(own, folder):
    body, headers = encoded(photographs(600))
    with held_up():
        status = leave_while_keeping(own, folder, headers, body)
    assert status is None
    assert folders(folder) == []


def test_with_a_key_the_job_of_a_client_that_left_is_whole(own, folder):
    body, headers = encoded(photographs(600))
    headers["Idempotency-Key"] = "left-and-came-back"
    with held_up():
        assert leave_while_keeping(own, folder, headers, body) is None
        (kept,) = folders(folder)
        answer = own.post("/v1/jobs", content=body, headers=headers)
        assert (answer.status_code, answer.json()["id"]) == (202, kept.name)
        assert answer.json()["waiting"] == 600
    deadline = time.monotonic() + 120
    while own.get(f"/v1/jobs/{kept.name}?limit=1").json()["succeeded"] < 10:
        assert time.monotonic() < deadline
        errors = own.get(f"/v1/jobs/{kept.name}").json()["items"]
        assert [item["error"] for item in errors if item["status"] == "error"] == []
        time.sleep(0.05)
    delete(own, answer)


def test_a_repeated_post_is_the_same_job_also_after_a_restart(own, folder):
    key = {"Idempotency-Key": "5f0e6a52-1e1b-4a54-9b0c-5b9d9f8a8f0e"}
    with held_up():
        first = own.post("/v1/jobs", files=photographs(3), headers=key)
        again = own.post("/v1/jobs", files=photographs(3), headers=key)  # another boundary
        other = own.post("/v1/jobs", files=photographs(3))
        assert first.json()["id"] == again.json()["id"] != other.json()["id"]
        assert again.headers["location"] == first.headers["location"]
        for changed in (
            {"files": photographs(2)},
            {"files": photographs(3), "data": {"format": "stl"}},
            {"files": [*photographs(2), ("images", ("2.jpg", b"other"))]},
        ):
            refused = own.post("/v1/jobs", headers=key, **changed)
            assert refused.status_code == 422
            assert refused.json()["error"]["code"] == "idempotency_key_reused"
        for wrong in ("", "x" * 256, "\x7f"):
            refused = own.post("/v1/jobs", files=photographs(1), headers={"Idempotency-Key": wrong})
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_header")
    delete(own, first)
    with held_up():
        anew = own.post("/v1/jobs", files=photographs(2), headers=key)
        assert anew.status_code == 202
    delete(own, anew)
    delete(own, other)
    assert folders(folder) == []


def test_a_key_outlives_the_process(tmp_path):
    from service.jobs.rows import Key

    items = [Upload("a.jpg", lambda: b"x")]
    store = JobStore(tmp_path)
    job = store.create({}, items, Key("key", "body"))
    store.close()
    store = JobStore(tmp_path)
    assert store.create({}, items, Key("key", "body")) == job
    assert len(store.running()) == 1
    store.close()


def packed(mebibytes):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(mebibytes):
            archive.writestr(f"{number}.jpg", bytes(MIB))
    return file.getvalue()


def test_archives_count_as_they_unpack(own, folder):
    content = packed(12)
    assert len(content) < 65 << 10
    with held_up():
        answers = [own.post("/v1/jobs", files={"archive": ("a.zip", content)}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [202, 507, 507, 507]
        assert answers[1].json()["error"]["code"] == "jobs_full"
        files = [path.stat().st_size for path in folder.rglob("*") if path.parent != folder]
        assert sum(files) <= JOBS_MEBIBYTES * MIB
    delete(own, answers[0])
    with held_up():
        answer = own.post("/v1/jobs", files={"archive": ("a.zip", content)})
        assert answer.status_code == 202
    delete(own, answer)


def test_the_bodies_of_all_requests_together_are_bounded(own):
    from service.api import routes

    body, headers = encoded([("images", ("a.jpg", bytes(3 * MIB)))])

    async def several():
        arrived = asyncio.Event()

        begun = [asyncio.create_task(call(body, headers, arrived.wait)) for _ in range(2)]
        while routes.state.spool.held < 6 * MIB:
            await asyncio.sleep(0.01)
        refused = await call(body, headers)
        undeclared = {k: v for k, v in headers.items() if k.lower() != "content-length"}
        refused_later = await call(body, undeclared, chunks=8)
        arrived.set()
        return refused, refused_later, await asyncio.gather(*begun)

    refused, refused_later, others = own.portal.call(several)
    assert (refused, refused_later, others) == (429, 429, [202, 202])
    assert routes.state.spool.held == 0
