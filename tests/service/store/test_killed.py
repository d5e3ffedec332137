"""Processes of one store that are killed while they make jobs or work on them."""

import json
import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.service.store.test_sharing import DONE, uploads

SCRIPT = """
import json, os, sys, time
from service.jobs.store import JobStore
from service.schemas.photographs import Upload
from service.settings import read_settings
from service.store.opening import open_store
jobs = JobStore(open_store(read_settings()))
if sys.argv[1] == "make":
    def hang():
        print("making", flush=True)
        time.sleep(600)
    jobs.create({}, [Upload("a.jpg", lambda: b"x"), Upload("b.jpg", hang)])
print("works", flush=True)
sys.stdin.readline()
while running := jobs.running():
    for job in running:
        for item in jobs.take({job: jobs.free(job, 4)}) if jobs.free(job, 1) else ():
            ((_, upload),) = jobs.uploads(item)
            upload.read()
            time.sleep(0.01)
            content = json.dumps({"by": os.getpid(), "item": item.number})
            jobs.finish(item, content.encode(), None)
    jobs.expire(1e9)
    time.sleep(0.05)
jobs.close()
"""


def begin(place, what):
    environment = {**os.environ, **place.environment(), "INVERSE_GRAPHICS_LEASE_SECONDS": "3"}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, what],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process):
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_a_killed_process_costs_no_job_and_no_result_twice(place):
    jobs = place.open(lease_seconds=3)
    count = 40
    made = [jobs.create({}, uploads(*[b"x"] * count)) for _ in range(5)]
    workers = [begin(place, "work") for _ in range(3)]
    try:
        for process in workers:
            assert process.stdout.readline() == "works\n"
        for process in workers:  # at once: the first could be done before the last has begun
            process.stdin.write("\n")
            process.stdin.flush()
        at_work = "SELECT COUNT(DISTINCT process) FROM claims"
        while jobs._database.execute(at_work)[0][0] < len(workers):
            time.sleep(0.01)
        killed, *others = workers
        killed.kill()
        for process in others:
            assert process.wait(240) == 0
    finally:
        for process in workers:
            end(process)
    by = Counter()
    for job in made:
        assert (jobs.job(job).state, jobs.job(job).counts) == ("done", {"ok": count})
        items = jobs.items(job, 0, 2 * count, DONE)
        found = [json.loads(jobs.answer(item)) for item in items]
        assert [answer["item"] for answer in found] == list(range(count))
        by.update(answer["by"] for answer in found)
        # Nothing is left of what the killed one was about.
        assert len(list(jobs._files.entries(job))) <= count + 1
    assert {process.pid for process in others} <= set(by)
    assert jobs.bytes_held() == sum(
        len(jobs.answer(item)) for job in made for item in jobs.items(job, 0, 2 * count, DONE)
    )


@pytest.mark.slow
def test_a_job_that_a_killed_process_was_making_leaves_nothing(place):
    jobs = place.open(lease_seconds=3)
    process = begin(place, "make")
    assert process.stdout.readline() == "making\n"
    ((name,),) = jobs._database.execute("SELECT name FROM leftovers")
    end(process)
    deadline = time.monotonic() + 60
    while jobs._database.execute("SELECT name FROM leftovers"):
        assert time.monotonic() < deadline
        jobs.expire(1e9)
        time.sleep(0.1)
    assert not jobs._files.has_folder(name)
    assert jobs.bytes_held() == 0
    assert jobs.running() == []
