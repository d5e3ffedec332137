"""What jobs ask for while they are kept: seldom, and never all that is left."""

import pytest

from service.jobs.room import JobsFull
from service.jobs.store import JobStore
from service.schemas.photographs import Upload

MIB = 1 << 20


@pytest.fixture
def store(tmp_path):
    opened = JobStore(tmp_path, limit=40 * MIB)
    yield opened
    opened.close()


def test_a_job_that_is_being_kept_leaves_room_for_the_results_of_others(store):
    other = store.create({}, [Upload("a.jpg", lambda: b"a")])
    (item,) = store.take({other: [0]})

    def read():
        store.finish(item, bytes(MIB), None)
        return bytes(MIB)

    kept = [Upload(f"{i}.jpg", lambda: bytes(MIB)) for i in range(33)]
    job = store.create({}, [*kept, Upload("last.jpg", read)])
    assert store.job(other).counts == {"ok": 1}
    assert store.bytes_held() == 35 * MIB
    store.create({}, [Upload("b.jpg", lambda: bytes(5 * MIB))])  # all that is left
    with pytest.raises(JobsFull):
        store.create({}, [Upload("c.jpg", lambda: b"c")])
    store.cancel(job)
    store.delete(job)
    assert store.bytes_held() == 6 * MIB


def test_thirty_mebibytes_are_asked_for_a_few_times(store, monkeypatch):
    asked, database = [], store._database
    alone = database.alone
    monkeypatch.setattr(database, "alone", lambda name: asked.append(name) or alone(name))
    store.create({}, [Upload(f"{i}.jpg", lambda: bytes(MIB // 10)) for i in range(300)])
    assert 0 < asked.count("room") <= 4
