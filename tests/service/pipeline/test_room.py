"""Pixels in flight: who is let in, in which order, and what becomes of those who give up."""

import asyncio
import contextlib

from service.pipeline.room import ALWAYS, Room

MEGA = 1_000_000


def test_what_fits_is_let_in_at_once_and_the_rest_is_not():
    room = Room(100 * MEGA)
    with room.at_once(60 * MEGA) as first, room.at_once(40 * MEGA) as second:
        assert first and second and room.used == 100 * MEGA
        with room.at_once(2 * MEGA) as third, room.at_once(ALWAYS) as small:
            assert not third and small
    assert room.used == 0


def test_what_is_larger_than_all_of_it_is_let_in_alone():
    room = Room(10 * MEGA)
    with room.at_once(50 * MEGA) as large:
        assert large
        with room.at_once(2 * MEGA) as other:
            assert not other
    with room.at_once(2 * MEGA) as small, room.at_once(50 * MEGA) as large:
        assert small and not large


def test_those_who_wait_come_in_their_order_and_nobody_passes_them():
    room, order, peak = Room(100 * MEGA), [], []

    async def one(name, pixels):
        async with room.when_free(pixels):
            order.append(name)
            peak.append(room.used)
            await asyncio.sleep(0.01)

    async def run():
        await asyncio.gather(*(one(n, p * MEGA) for n, p in enumerate((70, 60, 20, 90, 10))))

    asyncio.run(run())
    assert order == [0, 1, 2, 3, 4] and max(peak) <= 100 * MEGA and room.used == 0

    async def passing():
        with room.at_once(80 * MEGA):
            waiting = asyncio.create_task(one("waits", 30 * MEGA))
            await asyncio.sleep(0)
            with room.at_once(10 * MEGA) as passed:
                assert not passed
        await waiting

    asyncio.run(passing())
    assert room.used == 0


def test_room_is_given_back_by_threads_failures_and_those_who_give_up():
    room = Room(10 * MEGA)

    async def hold(pixels):
        async with room.when_free(pixels):
            raise ZeroDivisionError

    async def run():
        blocked = room.at_once(10 * MEGA)
        blocked.__enter__()
        gone, waits = (asyncio.create_task(hold(8 * MEGA)) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        await asyncio.to_thread(blocked.__exit__, None, None, None)
        granted = asyncio.create_task(hold(8 * MEGA))
        await asyncio.sleep(0)
        granted.cancel()
        for task in (gone, waits, granted):
            with contextlib.suppress(ZeroDivisionError, asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert room.used == 0
