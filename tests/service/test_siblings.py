"""The table that the workers of one server share, without any server."""

import asyncio
import select
import subprocess
import sys
import time

import pytest

from service import siblings
from service.errors import RequestError
from service.http.access import Access
from service.http.spool import MEBIBYTE, Spool, SpoolFull
from service.pipeline.room import Room
from service.process import ROOT
from service.settings import Settings
from service.siblings import Column, Siblings

MEGA = 1_000_000
TAKES = """
import sys
from pathlib import Path
from service.siblings import Column, Siblings
own = Siblings(3, int(sys.argv[2]), Path(sys.argv[1]))
own.beat(ready=True)
sys.stdin.readline()
taken = most = 0
while taken < 20_000:
    if own.take(Column.IMAGES, 2, 5):
        own.set(Column.BYTES, 2)  # what is really held; the other column has refused ones too
        most = max(most, own.total(Column.BYTES))
        own.set(Column.BYTES, 0)
        own.set(Column.IMAGES, 0)
        taken += 1
print(most, flush=True)
sys.stdin.readline()
own.set(Column.IMAGES, 4)
print("holds", flush=True)
sys.stdin.readline()
"""


def process(folder, index):
    """One of three processes, that takes when it is sent a line, and keeps 4 at the next."""
    return subprocess.Popen(
        [sys.executable, "-c", TAKES, str(folder), str(index)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def send(*processes):
    for each in processes:
        each.stdin.write("\n")
        each.stdin.flush()


def test_processes_never_take_more_than_the_limit_and_one_that_is_killed_holds_nothing(tmp_path):
    own, one, two = Siblings(3, 0, tmp_path), process(tmp_path, 1), process(tmp_path, 2)
    with one, two:
        try:
            send(one, two)
            # Both may end only after each was let in so many times.
            while len(select.select([one.stdout, two.stdout], [], [], 0)[0]) < 2:
                if own.take(Column.IMAGES, 2, 5):
                    own.set(Column.BYTES, 2)
                    own.set(Column.BYTES, 0)
                own.set(Column.IMAGES, 0)
            most = [int(each.stdout.readline()) for each in (one, two)]
            assert all(2 <= held <= 5 for held in most), most
            send(one, two)
            assert [each.stdout.readline() for each in (one, two)] == ["holds\n"] * 2
            assert own.total(Column.IMAGES) == 8 and own.others_ready()
            killed = one.pid
            one.kill()
            one.wait()
            assert own.total_alive(Column.IMAGES) == 4 and not own.others_ready()
            assert own.take(Column.IMAGES, 1, 5) and not own.take(Column.IMAGES, 1, 5)
            after = Siblings(3, 1, tmp_path)
            assert after.replaced == killed and own.total(Column.IMAGES) == 5
        finally:
            one.kill()
            two.kill()


@pytest.fixture
def pair(tmp_path):
    return Siblings(2, 0, tmp_path, rates=1), Siblings(2, 1, tmp_path, rates=1)


def test_two_who_take_at_once_are_never_both_let_in(pair):
    first, second = pair
    second.set(Column.IMAGES, 3)
    assert not first.take(Column.IMAGES, 3, 5) and first.own(Column.IMAGES) == 0
    assert first.take(Column.IMAGES, 2, 5)


def test_all_are_ready_only_when_each_is_and_gives_signs_of_life(pair, monkeypatch):
    first, second = pair
    assert not first.others_ready()
    second.beat(ready=True)
    assert first.others_ready() and not second.others_ready()
    second.beat(ready=False)
    assert not first.others_ready()
    second.beat(ready=True)
    later = time.monotonic_ns() + round((siblings.STALE_SECONDS + 1) * 1e9)
    monkeypatch.setattr(time, "monotonic_ns", lambda: later)
    assert not first.others_ready()


def test_one_that_comes_is_not_taken_for_stuck_and_one_that_served_is(pair):
    first, second = pair
    assert not [found for _ in range(9) for found in first.stuck(3)]
    second.beat(ready=True)
    assert [bool(first.stuck(3)) for _ in range(4)] == [False, False, False, True]
    second.beat(ready=True)
    assert not first.stuck(3)


def test_who_has_two_calls_more_sends_clients_to_the_others(pair):
    first, second = pair
    first.set(Column.CALLS, 2)
    assert first.overburdened() and not second.overburdened()
    second.set(Column.CALLS, 1)
    assert not first.overburdened() and not Siblings().overburdened()


def test_room_is_one_for_all_processes_and_the_first_to_wait_comes_first(pair):
    first, second = (Room(10 * MEGA, each) for each in pair)
    order = []

    async def wait(room, pixels, name):
        async with room.when_free(pixels):
            order.append(name)
            assert pair[0].total(Column.PIXELS) == pixels

    async def scenario():
        with first.at_once(8 * MEGA) as granted, second.at_once(2 * MEGA) as fits:
            assert granted and fits
            large = asyncio.create_task(wait(second, 50 * MEGA, "large"))
            await asyncio.sleep(0.05)
            small = asyncio.create_task(wait(first, 7 * MEGA, "small"))
            await asyncio.sleep(0.05)
            with first.at_once(2 * MEGA) as passed:
                assert not passed and not order
        await asyncio.wait_for(asyncio.gather(large, small), 10)

    asyncio.run(scenario())
    assert order == ["large", "small"] and first.used == second.used == 0


def test_bodies_of_all_processes_count(pair):
    first, second = (Spool(10, each) for each in pair)
    with first.share() as held, second.share() as other:
        held.take(6 * MEBIBYTE)
        with pytest.raises(SpoolFull, match="hold 6 MiB"):
            other.take(5 * MEBIBYTE)
        other.take(4 * MEBIBYTE)
    assert pair[0].total(Column.BYTES) == 0


def test_a_key_s_calls_count_whichever_process_answers_them(pair):
    settings, now = Settings(api_keys=("0123456789abcdef",), requests_per_minute=3), [100.0]
    first, second = (Access(settings, lambda: now[0], each) for each in pair)
    key = b"Bearer 0123456789abcdef"
    for access in (first, second, first):
        access.check(key)
    with pytest.raises(RequestError, match="too often: send again in 20 s"):
        second.check(key)
    now[0] += 20
    second.check(key)
    with pytest.raises(RequestError, match="too often"):
        first.check(key)


def test_a_server_of_one_process_joins_no_table_that_another_server_left(tmp_path, monkeypatch):
    monkeypatch.setenv(siblings.FOLDER, f"2:{tmp_path}")
    siblings.prepare(1)
    assert siblings.join(1, rates=0).count == 1
