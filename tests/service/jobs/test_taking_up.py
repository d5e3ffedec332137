"""A folder of jobs as version 0.1.0 wrote it."""

import errno
import json
import os
import sqlite3
import time

import pytest

from service.errors import ItemError
from service.jobs.store import JobStore
from service.store.folder import FolderTaken
from tests.service.jobs.test_worker import ended, results
from tests.service.requests import jpeg

SCHEMA = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    options TEXT NOT NULL,
    created REAL NOT NULL,
    finished REAL
);
CREATE TABLE items (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    has_mask INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'ok', 'error')),
    code TEXT,
    message TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;
CREATE INDEX open_items ON items (job, number) WHERE state = 'waiting';
"""
RUNNING, DONE, CANCELLED, DELETED, ODD = (letter * 32 for letter in "abcde")
OPTIONS = {"format": "glb", "texture": True, "texture_size": None, "preview": False}
REFUSED = ["unreadable_zip", "entry is damaged"]


def write_jobs(folder, rows, files):
    """`rows`: job → its state, options and the states of its items; `files`: by path."""
    folder.mkdir(exist_ok=True)
    database = sqlite3.connect(folder / "jobs.sqlite3")
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(SCHEMA)
    for job, (state, options, items) in rows.items():
        finished = None if state == "running" else time.time()
        values = (job, state, json.dumps(options), time.time(), finished)
        database.execute("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", values)
        for number, (item, has_mask) in enumerate(items):
            database.execute(
                "INSERT INTO items (job, number, name, has_mask, state) VALUES (?, ?, ?, ?, ?)",
                (job, number, f"{number}.jpg", has_mask, item),
            )
    database.commit()
    database.close()
    for path, content in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.fixture
def folder(tmp_path):
    items = [("ok", 0), ("waiting", 0), ("waiting", 1), ("waiting", 1), ("waiting", 0)]
    rows = {
        RUNNING: ("running", OPTIONS, items),
        DONE: ("done", OPTIONS, [("ok", 0)]),
        CANCELLED: ("cancelled", OPTIONS, [("ok", 0), ("waiting", 0)]),
        DELETED: ("running", OPTIONS, [("waiting", 0)]),
        ODD: ("running", {**OPTIONS, "format": "stl", "texture_size": 256}, [("waiting", 0)]),
    }
    files = {
        f"{RUNNING}/0.json": b"{}",
        f"{RUNNING}/0.image": b"was about to go",
        f"{RUNNING}/1.image": b"one",
        f"{RUNNING}/2.image": b"two",
        f"{RUNNING}/2.mask": b"mask",
        f"{RUNNING}/2.json.part": b"half",
        f"{RUNNING}/3.refused": json.dumps(REFUSED).encode(),
        # 4.image is lost.
        f"{DONE}/0.json": b"{done}",
        f"{CANCELLED}/0.json": b"{}",
        f"{ODD}/0.image": b"odd",
    }
    write_jobs(tmp_path / "jobs", rows, files)
    return tmp_path / "jobs"


def check(store):
    """That all is as it was, in today's layout."""
    assert store.running() == [RUNNING, ODD]
    waiting = store.items(RUNNING, 0, 9, ("waiting",))
    uploads = [upload for item in waiting for _, upload in store.uploads(item)]
    assert [uploads[0].read(), uploads[0].read_mask] == [b"one", None]
    assert [uploads[1].read(), uploads[1].read_mask()] == [b"two", b"mask"]
    for upload, code in ((uploads[2], REFUSED[0]), (uploads[3], "lost_upload")):
        with pytest.raises(ItemError) as caught:
            upload.read()
        assert caught.value.code == code
    assert store.answer(store.items(DONE, 0, 9, ("ok",))[0]) == b"{done}"
    assert store.job(CANCELLED).counts == {"ok": 1, "waiting": 1}
    assert store.job(DELETED) is None
    assert store.job(ODD).options == {"format": "stl", "texture": True, "preview": False}
    names = {path.name: {file.name for file in path.iterdir()} for path in folders(store)}
    assert names == {
        RUNNING: {"0.json", "uploads.0"}, DONE: {"0.json"}, CANCELLED: {"0.json"},
        ODD: {"uploads.0"},
    }  # fmt: skip
    on_disk = sum(file.stat().st_size for path in folders(store) for file in path.iterdir())
    assert store.bytes_held() == on_disk


def folders(store):
    return [path for path in store.folder.iterdir() if path.is_dir()]


def test_jobs_of_0_1_0_go_on(folder):
    for _ in range(2):  # and stay as they are with the next start
        store = JobStore(folder)
        check(store)
        store.close()


def test_a_full_disk_leaves_jobs_of_0_1_0_as_they_were(folder, monkeypatch):
    before = {path: path.read_bytes() for path in folder.glob("*/*")}
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", raising)
        with pytest.raises(FolderTaken, match="No space left"):
            JobStore(folder)
    assert {path: path.read_bytes() for path in folder.glob("*/*")} == before
    store = JobStore(folder)
    check(store)
    store.close()


def raising(_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_service_finishes_a_job_of_0_1_0(bundle_folder, tmp_path):
    from tests.service.conftest import open_client

    write_jobs(
        tmp_path / "jobs",
        {
            ODD: ("running", {**OPTIONS, "format": "stl", "texture_size": 256}, [("waiting", 0)]),
            RUNNING: ("running", OPTIONS, [("waiting", 0), ("waiting", 0)]),
        },
        {f"{RUNNING}/{i}.image": jpeg() for i in range(2)} | {f"{ODD}/0.image": jpeg()},
    )
    with open_client(bundle_folder, jobs_folder=tmp_path / "jobs") as client:
        for job, count in ((RUNNING, 2), (ODD, 1)):
            body = ended(client, {"id": job})
            assert (body["state"], body["succeeded"]) == ("done", count)
            assert results(client, {"id": job}, "application/zip").status_code == 200
