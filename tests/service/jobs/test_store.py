import errno
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from service.errors import ItemError
from service.jobs.store import JobStore
from service.schemas.photographs import Upload
from service.store import opening, sqlite
from service.store.folder import FolderTaken, lock


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    opened = JobStore(tmp_path / "jobs", clock)
    yield opened
    opened.close()


def new_items(*contents):
    return [Upload(f"{i}.jpg", lambda c=c: c, None) for i, c in enumerate(contents)]


def waiting(store, job):
    return store.items(job, 0, 100, ("waiting",))


def upload_of(store, item):
    ((_, upload),) = store.uploads(item)
    return upload


def test_a_job_is_done_when_its_last_item_is(store, clock):
    job = store.create({"format": "glb"}, new_items(b"a", b"b"))
    first, second = waiting(store, job)
    assert (first.name, upload_of(store, first).read()) == ("0.jpg", b"a")
    store.finish(second, b"{}", ("empty_file", "why"))
    assert store.job(job).state == "running"
    clock.now = 1010
    store.finish(first, b"{1}", None)
    found = store.job(job)
    assert (found.state, found.created, found.finished) == ("done", 1000, 1010)
    assert found.counts == {"ok": 1, "error": 1}
    assert found.options == {"format": "glb"}
    assert store.running() == []
    (failed,) = store.items(job, 0, 10, ("error",))
    assert (failed.number, failed.code, failed.message) == (1, "empty_file", "why")
    assert store.answer(first) == b"{1}"
    with pytest.raises(FileNotFoundError):
        upload_of(store, first).read()


def test_another_process_goes_on_where_the_first_ended(tmp_path):
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from service.schemas.photographs import Upload\n"
        "from service.jobs.store import JobStore\n"
        "store = JobStore(Path(sys.argv[1]))\n"
        "items = [Upload(str(i), lambda i=i: bytes([i]), None) for i in range(5)]\n"
        "job = store.create({}, items)\n"
        "for item in store.take({job: [0, 1]}):\n"
        "    store.finish(item, b'{}', None)\n"
        "store.take({job: store.free(job, 1)})\n"
        "print(job, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    store = JobStore(tmp_path)
    job = done.stdout.strip()
    assert store.running() == [job]
    left = waiting(store, job)
    assert [(item.number, item.attempts) for item in left] == [(2, 1), (3, 0), (4, 0)]
    assert upload_of(store, left[1]).read() == b"\3"
    store.close()


def test_a_folder_that_an_older_version_holds_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "WAIT_SECONDS", 0.1)
    held = lock(tmp_path)  # as 0.1.0 does, all the time
    with pytest.raises(FolderTaken, match="of an older version"):
        JobStore(tmp_path)
    held.close()
    store = JobStore(tmp_path)
    with pytest.raises(FolderTaken, match="in use by another process"):
        lock(tmp_path)
    store.close()
    lock(tmp_path).close()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderTaken, match="cannot be written"):
        JobStore(tmp_path / "file" / "jobs")


def test_nothing_is_left_of_a_job_that_could_not_be_made(store):
    def broken():
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        store.create({}, [*new_items(b"a"), Upload("b", broken, None)])
    assert store.running() == []
    assert [path for path in store.folder.iterdir() if path.is_dir()] == []


def test_a_half_written_job_of_a_dead_process_is_dropped(store):
    stray, foreign = store.folder / ("0" * 32), store.folder / "lost+found"
    for folder in (stray, foreign):
        folder.mkdir()
        (folder / "uploads.0").write_bytes(b"x")
    store.close()
    again = JobStore(store.folder)
    assert not stray.exists()
    assert (foreign / "uploads.0").exists()  # others may keep theirs there
    again.close()


def test_what_a_dead_process_was_about_to_write_goes_and_counts_no_more(store):
    job = store.create({}, new_items(b"abc", b"d"))
    first, second = waiting(store, job)
    store.finish(first, b"{1}", None)
    folder = store.folder / job
    for name in ("1.json", "1.json.part", "0.json.part", "uploads.7"):
        (folder / name).write_bytes(bytes(1000))
    store.close()
    again = JobStore(store.folder)
    assert sorted(path.name for path in folder.iterdir()) == ["0.json", "uploads.0"]
    assert again.bytes_held() == len("{1}") + len("abcd")
    again.finish(second, b"{22}", None)
    assert again.bytes_held() == len("{1}{22}")
    again.delete(job)
    assert again.bytes_held() == 0
    again.close()


@pytest.mark.parametrize("content", [b"junk" * 2000, None])
def test_a_database_that_cannot_be_opened_is_refused_until_it_can(tmp_path, content, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    path = tmp_path / "jobs.sqlite3"
    JobStore(tmp_path).close()
    if content is None:
        holder = sqlite3.connect(path, timeout=0)
        holder.execute("BEGIN EXCLUSIVE")
    else:
        path.write_bytes(content)
    with pytest.raises(FolderTaken, match=r"jobs\.sqlite3") as caught:
        JobStore(tmp_path)
    if content is None:
        holder.close()
    else:
        path.unlink()
    JobStore(tmp_path).close()
    assert caught.value.__traceback__ is not None  # as the service keeps it


def test_a_start_that_failed_does_not_keep_out_the_next_one(tmp_path, monkeypatch):
    store = JobStore(tmp_path)
    job = store.create({}, new_items(b"a"))
    stray = tmp_path / job / "1.json.part"
    stray.write_bytes(b"x")
    store.close()
    unlink = Path.unlink

    def failing(path, *arguments, **keywords):
        if path == stray:
            raise OSError(errno.EIO, "the disk fails")
        unlink(path, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", failing)
        with pytest.raises(FolderTaken, match="the disk fails") as kept:
            JobStore(tmp_path)
    again = JobStore(tmp_path)  # while the error is kept, as by the service
    assert again.running() == [job]
    assert not stray.exists()
    again.close()
    del kept


def test_a_job_whose_files_somebody_else_took_ends(store):
    part_gone, folder_gone = (store.create({}, new_items(b"a")) for _ in range(2))
    (store.folder / part_gone / "uploads.0").unlink()
    shutil.rmtree(store.folder / folder_gone)
    for job in (part_gone, folder_gone):
        with pytest.raises(FileNotFoundError):
            upload_of(store, waiting(store, job)[0])
        store.settle(job)
    assert store.job(part_gone).state == "cancelled"
    assert store.job(folder_gone) is None
    assert store.running() == []


def test_an_upload_that_cannot_be_read_is_its_own_fault_only(store):
    def damaged():
        raise ItemError("unreadable_zip", "entry is damaged")

    job = store.create({}, [Upload("bad", damaged, None), *new_items(b"a")])
    bad, good = waiting(store, job)
    assert upload_of(store, good).read() == b"a"
    with pytest.raises(ItemError, match="entry is damaged") as caught:
        upload_of(store, bad).read()
    assert caught.value.code == "unreadable_zip"


def test_cancelling_keeps_answers_and_drops_uploads(store):
    job = store.create({}, new_items(b"a", b"b", b"c"))
    first, second, third = waiting(store, job)
    store.finish(first, b"{}", None)
    store.cancel(job)
    assert store.job(job).state == "cancelled"
    with pytest.raises(FileNotFoundError):
        upload_of(store, second).read()
    store.finish(third, b"{}", None)  # was in flight
    assert store.job(job).state == "cancelled"
    assert store.job(job).counts == {"ok": 2, "waiting": 1}
    assert store.answer(first) == b"{}"


def test_what_ended_is_deleted_when_its_time_is_over(store, clock):
    old, new, running = (store.create({}, new_items(b"abc")) for _ in range(3))
    for job in (old, new):
        store.finish(waiting(store, job)[0], b"{}", None)
        clock.now += 50
    assert store.expire(100) == [old]
    assert store.job(old) is None
    assert not (store.folder / old).exists()
    assert store.job(new).state == "done"
    clock.now += 10_000
    assert store.expire(100) == [new]
    assert store.running() == [running]


def test_an_answer_for_a_deleted_job_is_dropped(store):
    job = store.create({}, new_items(b"a"))
    (item,) = waiting(store, job)
    store.delete(job)
    store.finish(item, b"{}", None)
    assert store.job(job) is None
    assert not (store.folder / job).exists()


def test_what_is_held_is_counted(store):
    assert store.bytes_held() == 0
    store.create({}, [Upload("a", lambda: bytes(1000), lambda: bytes(500))])
    assert store.bytes_held() == 1500
