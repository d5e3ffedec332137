"""What several processes do with the jobs of one store, whichever it is."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.errors import StoreFailed
from service.jobs.room import JobsFull
from service.jobs.rows import Key
from service.schemas.photographs import Upload

DONE = ("ok", "error")


def uploads(*contents):
    return [Upload(f"{i}.jpg", lambda c=c: c) for i, c in enumerate(contents)]


def names(jobs):
    """The files of all jobs."""
    found = jobs._database.execute("SELECT id FROM jobs")
    return {e.name for (job,) in found for e in jobs._files.entries(job)}


def test_what_one_process_does_all_others_see(place):
    one, other = place.open(), place.open()
    items = [Upload("a\0.jpg", lambda: b"photograph", lambda: b"mask"), *uploads(b"b", b"c")]
    job = one.create({"format": "glb"}, items)
    assert other.job(job).options == {"format": "glb"}
    assert other.running() == [job]
    first, second = other.take({job: other.free(job, 2)})
    ((_, upload),) = other.uploads(first)
    assert (upload.read(), upload.read_mask()) == (b"photograph", b"mask")
    assert one.free(job, 9) == {2: 1}
    assert one.take({job: [0, 1, 2]}) == one.items(job, 2, 1, ("waiting",))
    other.finish(first, b"{1}", None)
    other.finish(second, b"{2}", ("empty_file", "why"))
    (third,) = one.items(job, 2, 1, ("waiting",))
    one.finish(third, b"{3}", None)
    assert [one.answer(item) for item in one.items(job, 0, 9, DONE)] == [b"{1}", b"{2}", b"{3}"]
    assert (one.job(job).state, one.job(job).counts) == ("done", {"ok": 2, "error": 1})
    assert one.bytes_held() == other.bytes_held() == 9
    assert {name.partition("/")[2] for name in names(one)} == {"0.json", "1.json", "2.json"}
    other.delete(job)
    assert one.job(job) is None
    assert one.bytes_held() == 0
    assert not one._files.has_folder(job)


def test_an_item_is_given_to_one_process_only(place):
    stores = [place.open() for _ in range(3)]
    job = stores[0].create({}, uploads(*[b"x"] * 60))

    def work(store):
        taken = []
        while numbers := store.free(job, 7):
            items = store.take({job: numbers})
            taken += [item.number for item in items]
            for item in items:
                store.finish(item, b"{}", None)
        return taken

    with ThreadPoolExecutor(3) as pool:
        taken = list(pool.map(work, stores))
    assert Counter(number for numbers in taken for number in numbers) == Counter(range(60))
    assert stores[0].job(job).state == "done"
    assert stores[0].bytes_held() == 60 * len(b"{}")


def dies(jobs):
    """Its process stands still, and its lease ends by the database's clock."""
    leases = jobs.store.leases
    leases._closing.set()
    leases._thread.join()
    over = f"UPDATE processes SET until = {jobs._database.now} WHERE id = ?"
    jobs._database.change(over, leases.process)
    leases._closing.clear()


def test_what_a_dead_process_had_taken_is_done_again_and_its_late_answer_is_dropped(place):
    dead, alive = place.open(), place.open()
    job = dead.create({}, uploads(b"a", b"b"))
    late = dead.take({job: [0]})[0]
    assert alive.free(job, 9) == {1: 1}
    dies(dead)
    alive.expire(1e9)
    assert alive.free(job, 9) == {0: 1, 1: 1}
    again, other = alive.take({job: [0, 1]})
    assert (late.attempts, again.attempts) == (1, 2)
    dead.finish(late, b"{late}", None)
    assert alive.items(job, 0, 9, DONE) == []
    alive.finish(again, b"{again}", None)
    dead.finish(late, b"{later}", None)
    alive.finish(other, b"{}", None)
    answers = [dead.answer(item) for item in dead.items(job, 0, 9, DONE)]
    assert answers == [b"{again}", b"{}"]
    assert alive.bytes_held() == len(b"{again}{}")
    assert {name.partition("/")[2] for name in names(alive)} == {"0.2.json", "1.json"}


def test_a_dead_process_loses_an_object_whole_and_it_is_done_once(place):
    dead, alive = place.open(), place.open()
    images = [
        Upload(f"{i}.jpg", lambda i=i: bytes([i]), object=name) for i, name in enumerate("abab")
    ]
    job = dead.create({"objects": "folder"}, [*images, Upload("root.jpg", lambda: b"r")])
    assert alive.free(job, 9) == {0: 2, 1: 2, 2: 1}
    (late,) = dead.take({job: [1]})
    dies(dead)
    alive.expire(1e9)
    first, again, root = alive.take({job: [0, 1, 2]})
    assert (again.name, again.images, root.name) == ("b", 2, "root.jpg")
    sent = [(number, each.name, each.read()) for number, each in alive.uploads(again)]
    assert sent == [(1, "1.jpg", b"\1"), (3, "3.jpg", b"\3")]
    dead.finish(late, b"{late}", None)
    assert alive.items(job, 0, 9, DONE) == []
    for item in (again, first, root):
        alive.finish(item, b"{}", None)
    assert alive.job(job).state == "done"
    assert [item.number for item in alive.items(job, 0, 9, DONE)] == [0, 1, 2]
    with pytest.raises(FileNotFoundError):
        alive.uploads(first)
    assert alive.bytes_held() == 3 * len(b"{}")


def test_a_late_answer_counts_where_nobody_took_its_item_over(place):
    dead, alive = place.open(), place.open()
    job = dead.create({}, uploads(b"a"))
    (item,) = dead.take({job: [0]})
    dies(dead)
    alive.expire(1e9)
    dead.finish(item, b"{}", None)
    assert alive.job(job).state == "done"


def test_an_answer_that_is_told_twice_is_kept(place):
    jobs = place.open()
    job = jobs.create({}, uploads(b"a"))
    (item,) = jobs.take({job: [0]})
    for _ in range(2):  # the first time the word that it is kept was lost
        jobs.finish(item, b"{1}", None)
    assert jobs.answer(jobs.items(job, 0, 1, DONE)[0]) == b"{1}"
    assert jobs.bytes_held() == len(b"{1}")


def test_what_is_given_back_is_free_for_others(place):
    one, other = place.open(), place.open()
    job = one.create({}, uploads(b"a", b"b"))
    first, second = one.take({job: [0, 1]})
    one.give_back(first)
    one.give_back(second, counts=True)
    assert [item.attempts for item in other.take({job: [0, 1]})] == [1, 2]


def test_what_a_process_was_given_and_does_not_know_of_is_free_again(place):
    one, other = place.open(), place.open()
    job = one.create({}, uploads(b"a", b"b", b"c"))
    one.take({job: [0, 1]})
    other.take({job: [2]})
    one.keep_only({(job, 1)})
    assert other.free(job, 9) == {0: 1}


def test_all_processes_together_hold_no_more_than_allowed(place):
    one, other = place.open(limit=1000), place.open(limit=1000)
    one.create({}, uploads(bytes(900)))
    with pytest.raises(JobsFull, match="delete jobs"):
        other.create({}, uploads(bytes(200)))
    assert one.bytes_held() == 900
    job = other.create({}, uploads(bytes(60)))
    (item,) = one.take({job: [0]})
    with pytest.raises(JobsFull):
        one.finish(item, bytes(200), None)
    assert one.job(job).counts == {"waiting": 1}
    one.finish(item, bytes(200), ("jobs_full", "why"), beyond_limit=True)
    assert one.bytes_held() == 900 + 200


def test_a_post_that_comes_to_two_processes_at_once_is_one_job(place):
    stores = [place.open() for _ in range(3)]
    both = threading.Barrier(len(stores))

    def create(store):
        def wait():
            both.wait(60)
            return b"a"

        return store.create({}, [Upload("a.jpg", wait)], Key("key", "body"))

    with ThreadPoolExecutor(3) as pool:
        made = set(pool.map(create, stores))
    assert len(made) == 1
    assert stores[0].running() == list(made)
    assert stores[0].bytes_held() == 1


def test_a_cancelled_job_is_so_for_all_and_leaves_no_uploads(place):
    one, other = place.open(), place.open()
    job = one.create({}, uploads(b"a", b"b", b"c"))
    first, second = other.take({job: [0, 1]})
    other.finish(first, b"{}", None)
    one.cancel(job)
    assert other.job(job).state == "cancelled"
    assert other.running() == []
    with pytest.raises(FileNotFoundError):
        other.uploads(second)
    other.finish(second, b"{}", None)  # was in flight
    assert one.job(job).counts == {"ok": 2, "waiting": 1}
    assert {name.partition("/")[2] for name in names(one)} == {"0.json", "1.json"}
    assert one.bytes_held() == 4


def test_files_that_are_not_those_of_the_database_are_refused(place):
    if "store" not in place.settings:
        pytest.skip("an embedded store has both in one folder")
    jobs = place.open()
    job = jobs.create({}, uploads(b"a"))
    place.settings["files"] += "-others"
    with pytest.raises(StoreFailed, match="give all replicas the same"):
        place.open()
    # As where a disk is not mounted any more.
    jobs._files.remove("inverse-graphics-store")
    jobs._files.remove_folder(job)
    with pytest.raises(StoreFailed):
        jobs.settle(job)
    assert jobs.job(job).state == "running"
