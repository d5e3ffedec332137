"""Calls on other threads: what they give, in which order, and what becomes of abandoned ones."""

import asyncio
import contextlib
import gc
import threading
import time
import weakref

import pytest

from service.threads import Threads


@pytest.fixture
def threads():
    made = Threads(1, "tests")
    yield made
    made.close()


def test_a_call_gives_its_result_from_another_thread(threads):
    async def run():
        return await threads.call(lambda a, b=0: (a + b, threading.current_thread().name), 1, b=2)

    assert asyncio.run(run()) == (3, "tests_0")


def test_an_error_reaches_whoever_called(threads):
    async def run():
        with pytest.raises(ZeroDivisionError):
            await threads.call(lambda: 1 / 0)
        return await threads.call(lambda: "the thread lives")

    assert asyncio.run(run()) == "the thread lives"


def test_without_an_event_loop_one_waits(threads):
    assert threads.wait_for(lambda: threading.current_thread().name) == "tests_0"
    with pytest.raises(ZeroDivisionError):
        threads.wait_for(lambda: 1 / 0)
    assert threads.wait_for(lambda: "the thread lives") == "the thread lives"


def test_there_are_as_many_calls_at_a_time_as_threads():
    threads, both = Threads(2, "tests"), threading.Barrier(2, timeout=10)

    async def run():
        await asyncio.gather(*(threads.call(both.wait) for _ in range(2)))

    asyncio.run(run())
    threads.close()


def test_a_cancelled_call_is_not_begun(threads):
    began, go_on = [], threading.Event()

    async def run():
        first = asyncio.create_task(threads.call(go_on.wait, 10))
        second = asyncio.create_task(threads.call(began.append, 2))
        third = asyncio.create_task(threads.call(began.append, 3))
        await asyncio.sleep(0.01)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        go_on.set()
        await asyncio.gather(first, third)

    asyncio.run(run())
    assert began == [3]


def test_one_cancelled_while_it_runs_harms_no_other(threads):
    go_on = threading.Event()

    async def run():
        first = asyncio.create_task(threads.call(go_on.wait, 10))
        await asyncio.sleep(0.01)
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        go_on.set()
        return await threads.call(lambda: "next")

    assert asyncio.run(run()) == "next"


def test_a_loop_that_ended_meanwhile_leaves_the_threads_alive(threads):
    async def leave():
        asyncio.create_task(threads.call(time.sleep, 0.1))  # noqa: RUF006
        await asyncio.sleep(0.01)

    async def run():
        return await threads.call(lambda: "next")

    asyncio.run(leave())
    assert asyncio.run(run()) == "next"


def test_closing_waits_for_what_was_called_and_takes_no_more():
    threads, done = Threads(1, "tests"), []

    async def run():
        calls = [asyncio.create_task(threads.call(done.append, n)) for n in range(3)]
        await asyncio.sleep(0)
        threads.close()
        assert done == [0, 1, 2]
        await asyncio.gather(*calls)
        with pytest.raises(RuntimeError, match="ended"):
            await threads.call(int)

    asyncio.run(run())


def test_what_failed_is_not_kept_alive(threads):
    class Photograph:
        pass

    async def run():
        photograph = Photograph()
        held = weakref.ref(photograph)

        def fail(photograph):
            raise ValueError

        with contextlib.suppress(ValueError):
            await threads.call(fail, photograph)
        del photograph
        await threads.call(int)  # the thread has gone on
        return held

    gc.disable()
    try:
        assert asyncio.run(run())() is None
    finally:
        gc.enable()
