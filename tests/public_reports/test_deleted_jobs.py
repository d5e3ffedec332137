"""Deleted jobs whose folder stayed, because an image of theirs was just being answered."""

import os
from contextlib import ExitStack
from threading import Event, Thread

import pytest

from service.jobs.store import JobStore
from service.schemas.photographs import Upload
from tests.public_reports.small_disk import filled, mounted

SECONDS = 20


@pytest.fixture
def disk(tmp_path):
    with mounted(tmp_path / "disk", 4) as folder:
        yield folder


class Answering:
    """Answers an image while its job is deleted: between the listing of its folder and the end."""

    def __init__(self, store, item, monkeypatch):
        self.store, self.item = store, item
        self.begun, self.listed = Event(), Event()
        self.written, self.go_on = Event(), Event()
        self.raised = None
        self.write = store.store.files.write
        monkeypatch.setattr(store.store.files, "write", self._write)
        self.thread = Thread(target=self._finish, daemon=True)
        self.thread.start()
        assert self.begun.wait(SECONDS)

    def _write(self, name, content):
        self.begun.set()
        assert self.listed.wait(SECONDS)
        self.write(name, content)
        self.written.set()
        assert self.go_on.wait(SECONDS)

    def _finish(self):
        try:
            self.store.finish(self.item, bytes(1000), None)
        except OSError as error:
            self.raised = error

    def join(self):
        self.go_on.set()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


def before_the_folder_goes(monkeypatch, do):
    """Call `do` once, when all files of a folder are deleted and it is next."""
    rmdir, calls = os.rmdir, []

    def hooked(*arguments, **keywords):
        if not calls:
            calls.append(arguments)
            do()
        rmdir(*arguments, **keywords)

    monkeypatch.setattr(os, "rmdir", hooked)


def job_of(store):
    job = store.create({}, [Upload("a.jpg", lambda: bytes(100_000)), Upload("b.jpg", lambda: b"b")])
    return job, store.items(job, 0, 1, ("waiting",))[0]


def test_an_answer_that_is_noted_while_its_job_is_deleted_leaves_nothing(tmp_path, monkeypatch):
    store = JobStore(tmp_path / "jobs")
    job, item = job_of(store)
    answering = Answering(store, item, monkeypatch)

    def answer():
        answering.listed.set()
        answering.join()

    before_the_folder_goes(monkeypatch, answer)
    store.delete(job)
    answering.join()
    assert answering.raised is None
    assert store.job(job) is None
    assert not (store.folder / job).exists()
    assert store.bytes_held() == 0
    store.close()


def test_an_answer_that_a_full_disk_cannot_note_leaves_nothing_of_a_deleted_job(disk, monkeypatch):
    store = JobStore(disk / "jobs")
    job, item = job_of(store)
    answering = Answering(store, item, monkeypatch)
    with filled(disk), ExitStack() as full:

        def answer():
            answering.listed.set()
            assert answering.written.wait(SECONDS)
            # What the uploads left free is taken by somebody else.
            full.enter_context(filled(disk / "jobs"))

        before_the_folder_goes(monkeypatch, answer)
        store.delete(job)
        answering.join()
        assert "full" in str(answering.raised)
        assert not (store.folder / job).exists()
        store.finish(item, bytes(1000), None)  # as the worker tries again
        assert not (store.folder / job).exists()
    assert store.expire(1e9) == []
    assert store.bytes_held() == 0
    store.close()


def test_two_who_end_a_job_at_once_count_it_once(tmp_path):
    store = JobStore(tmp_path / "jobs")
    other, _ = job_of(store)
    held = store.bytes_held()
    for _ in range(30):
        job, _ = job_of(store)
        for end in (store.cancel, store.delete):
            threads = [Thread(target=end, args=(job,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert store.bytes_held() == held
    store.delete(other)
    assert store.bytes_held() == 0
    store.close()
