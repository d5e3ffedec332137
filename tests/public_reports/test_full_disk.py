"""Services whose disk is full: nothing is lost, nothing loops, and what is deleted is free."""

import logging
import tempfile
import time

import pytest

from service.http.spool import Spool
from service.jobs import worker
from service.jobs.store import JobStore
from service.pipeline.engine import Engine
from service.schemas.photographs import Upload
from service.settings import Settings
from tests.public_reports.small_disk import filled, mounted, serving_in_process
from tests.service.requests import jpeg, post

DISK_MEBIBYTES = 16


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    with mounted(tmp_path_factory.mktemp("disks") / "jobs", DISK_MEBIBYTES) as folder:
        yield folder


@pytest.fixture(scope="module")
def own(bundle_folder, disk):
    settings = Settings(bundle=str(bundle_folder), segmenter="bundle", device="cpu", threads=1)
    store = JobStore(disk / "jobs")
    with serving_in_process(Engine(settings), store, Spool(64)) as client:
        yield client


@pytest.fixture
def said(monkeypatch, caplog):
    """What the jobs' worker logs; it tries again soon."""
    monkeypatch.setattr(worker, "AGAIN_SECONDS", 0.1)
    caplog.set_level(logging.INFO, worker.logger.name)
    records = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: records.append(record.getMessage())
    worker.logger.addHandler(handler)
    yield records
    worker.logger.removeHandler(handler)


def send(client, count):
    files = [("images", (f"{i}.jpg", jpeg())) for i in range(count)]
    return client.post("/v1/jobs", files=files)


def state(client, answer):
    return client.get(f"/v1/jobs/{answer.json()['id']}").json()


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def folders(disk):
    return [path for path in (disk / "jobs").iterdir() if path.is_dir()]


def test_a_job_that_does_not_fit_is_refused_and_leaves_nothing(own, disk):
    with filled(disk):
        answer = send(own, 20)
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "insufficient_storage")
        assert "No space left" in answer.json()["error"]["message"]
        assert answer.headers["retry-after"] == "60"
        assert folders(disk) == []


def test_a_job_waits_while_the_disk_is_full_and_says_so_once(own, disk, said):
    answer = send(own, 20)
    with filled(disk) as filling:
        wait_until(lambda: any("jobs wait" in line for line in said))
        time.sleep(0.5)  # tries again several times
        assert state(own, answer)["state"] == "running"
        assert len(said) == 1
        filling.unlink()
        wait_until(lambda: state(own, answer)["state"] == "done")
    assert state(own, answer)["succeeded"] == 20
    assert [line.split(":")[0].split(" to ")[0] for line in said] == [
        "jobs wait until they can write", "jobs go on",
    ]  # fmt: skip
    assert own.delete(f"/v1/jobs/{answer.json()['id']}").status_code == 200


def test_what_is_deleted_on_a_full_disk_is_free(own, disk, said):
    job = send(own, 20)
    path = f"/v1/jobs/{job.json()['id']}"
    with filled(disk):
        wait_until(lambda: said)
        answer = own.delete(path)
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert list((disk / "jobs" / job.json()["id"]).glob("uploads.*")) == []
        assert own.delete(path).status_code == 200
        assert own.get(path).status_code == 404
        wait_until(lambda: folders(disk) == [])


def test_an_end_that_cannot_be_written_down_is_known_all_the_same(disk):
    folder = disk / "other"
    store = JobStore(folder)
    gone, stopped = (store.create({}, [Upload("a.jpg", lambda: b"x")] * 500) for _ in range(2))
    with filled(disk) as filling:
        store.delete(gone)
        store.cancel(stopped)
        # What was freed is taken by somebody else.
        with filled(disk / "other"):
            assert store.job(gone) is None
            assert store.job(stopped).state == "cancelled"
            assert store.running() == []
        filling.unlink()
    store.close()
    again = JobStore(folder)
    assert again.job(gone) is None
    assert again.job(stopped).state == "cancelled"
    assert again.bytes_held() == 0
    again.close()


def test_photographs_that_temporary_files_have_no_room_for_are_refused(own, tmp_path, monkeypatch):
    large = jpeg() + bytes(3 << 20)
    with mounted(tmp_path / "temporary", 2) as folder:
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        answer = post(own, large)
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "insufficient_storage")
        monkeypatch.undo()
    assert post(own, large).status_code == 200
