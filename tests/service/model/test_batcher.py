import asyncio
import threading

import pytest

from service import metrics
from service.errors import DeadlineExceeded, Overloaded, ShuttingDown
from service.model.batcher import Batcher, Device


class Recorder:
    """Doubles numbers; remembers its batches; `gate` holds a batch back until it is set."""

    def __init__(self):
        self.batches = []
        self.gate = threading.Event()
        self.gate.set()
        self.poison = set()
        self.refused = set()

    def __call__(self, items):
        self.batches.append(list(items))
        assert self.gate.wait(10)
        if self.poison & set(items):
            raise RuntimeError(f"cannot take {sorted(self.poison & set(items))}")
        return [ValueError(f"bad {i}") if i in self.refused else 2 * i for i in items]


@pytest.fixture
def recorder():
    return Recorder()


def serve(recorder, largest_batch=4, queue_limit=100):
    return Batcher("numbers", recorder, Device(), largest_batch, queue_limit)


async def submit_all(batcher, items):
    return await asyncio.gather(*(batcher.submit(i) for i in items), return_exceptions=True)


async def until_running(recorder, count=1):
    while len(recorder.batches) < count:
        await asyncio.sleep(0.001)


def test_a_lone_item_starts_at_once(recorder):
    async def scenario():
        return await asyncio.wait_for(serve(recorder).submit(3), 1)

    assert asyncio.run(scenario()) == 6
    assert recorder.batches == [[3]]


def test_what_gathers_while_a_batch_runs_is_the_next_batch(recorder):
    async def scenario():
        batcher = serve(recorder)
        recorder.gate.clear()
        first = asyncio.create_task(batcher.submit(0))
        await until_running(recorder)
        others = asyncio.create_task(submit_all(batcher, [1, 2, 3]))
        await asyncio.sleep(0.02)
        recorder.gate.set()
        return await first, await others

    assert asyncio.run(scenario()) == (0, [2, 4, 6])
    assert recorder.batches == [[0], [1, 2, 3]]


def test_many_items_are_split_into_the_largest_batches_and_keep_their_order(recorder):
    async def scenario():
        return await submit_all(serve(recorder), range(10))

    assert asyncio.run(scenario()) == [2 * i for i in range(10)]
    assert recorder.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_one_item_that_breaks_its_batch_harms_no_other(recorder):
    recorder.poison = {2}

    async def scenario():
        return await submit_all(serve(recorder), [1, 2, 3])

    one, two, three = asyncio.run(scenario())
    assert (one, three) == (2, 6)
    assert str(two) == "cannot take [2]"


def test_an_item_may_have_its_own_error_without_a_second_run(recorder):
    recorder.refused = {2}

    async def scenario():
        return await submit_all(serve(recorder), [1, 2, 3])

    one, two, three = asyncio.run(scenario())
    assert (one, three) == (2, 6)
    assert isinstance(two, ValueError)
    assert recorder.batches == [[1, 2, 3]]


def test_a_wrong_number_of_results_is_an_error_not_a_mix_up():
    async def scenario():
        return await submit_all(Batcher("numbers", lambda items: [1, 2, 3], Device(), 4, 9), [1])

    (outcome,) = asyncio.run(scenario())
    assert "3 results for 1 items" in str(outcome)


def test_beyond_the_queue_limit_an_item_is_refused_at_once_with_a_time_to_come_back(recorder):
    async def scenario():
        batcher = serve(recorder, largest_batch=1, queue_limit=2)
        recorder.gate.clear()
        running = asyncio.create_task(batcher.submit(0))
        await until_running(recorder)
        queued = [asyncio.create_task(batcher.submit(i)) for i in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as refusal:
            await asyncio.wait_for(batcher.submit(3), 1)
        recorder.gate.set()
        return refusal.value, await running, [await task for task in queued]

    refusal, first, rest = asyncio.run(scenario())
    assert refusal.status == 429
    assert refusal.retry_after_seconds >= 1
    assert (first, rest) == (0, [2, 4])


def test_an_item_whose_client_has_gone_is_not_run(recorder):
    async def scenario():
        batcher = serve(recorder)
        recorder.gate.clear()
        running = asyncio.create_task(batcher.submit(0))
        await until_running(recorder)
        gone = asyncio.create_task(batcher.submit(1))
        stays = asyncio.create_task(batcher.submit(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        recorder.gate.set()
        return await running, await stays

    assert asyncio.run(scenario()) == (0, 4)
    assert recorder.batches == [[0], [2]]


def test_closing_answers_what_is_queued_and_refuses_what_comes_after(recorder):
    async def scenario():
        batcher = serve(recorder, largest_batch=1)
        recorder.gate.clear()
        accepted = [asyncio.create_task(batcher.submit(i)) for i in range(3)]
        await until_running(recorder)
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(ShuttingDown):
            await batcher.submit(9)
        recorder.gate.set()
        await closing
        return [task.done() and task.result() for task in accepted]

    assert asyncio.run(scenario()) == [0, 2, 4]


def test_two_batchers_on_one_device_never_run_at_the_same_time():
    running, most = [], []

    def run(items):
        running.append(1)
        most.append(len(running))
        threading.Event().wait(0.002)
        running.pop()
        return items

    async def scenario():
        device = Device()
        batchers = [Batcher(name, run, device, 2, 99) for name in ("one", "two")]
        return await asyncio.gather(*(submit_all(batcher, range(10)) for batcher in batchers))

    assert asyncio.run(scenario()) == [list(range(10))] * 2
    assert max(most) == 1
    assert len(most) == 10


def test_the_event_loop_stays_free_while_a_batch_runs(recorder):
    async def scenario():
        batcher = serve(recorder)
        recorder.gate.clear()
        task = asyncio.create_task(batcher.submit(1))
        await until_running(recorder)
        ticks = 0
        for _ in range(20):
            await asyncio.sleep(0.001)
            ticks += 1
        recorder.gate.set()
        await task
        return ticks

    assert asyncio.run(scenario()) == 20


def test_a_large_request_does_not_starve_a_single_image(recorder):
    async def scenario():
        batcher = serve(recorder)
        recorder.gate.clear()
        large = [asyncio.create_task(batcher.submit(i, "large")) for i in range(64)]
        await until_running(recorder)
        single = asyncio.create_task(batcher.submit(100, "single"))
        await asyncio.sleep(0)
        recorder.gate.set()
        return await single, await asyncio.gather(*large)

    assert asyncio.run(scenario()) == (200, [2 * i for i in range(64)])
    assert 100 in recorder.batches[1]
    assert max(map(len, recorder.batches)) == 4
    assert len(recorder.batches) == 17  # full but for the last one: fairness costs no batch


def test_an_item_past_its_deadline_is_answered_at_once_and_never_run(recorder):
    async def scenario():
        batcher = serve(recorder)
        recorder.gate.clear()
        running = asyncio.create_task(batcher.submit(0))
        await until_running(recorder)
        now = asyncio.get_running_loop().time()
        late = asyncio.create_task(batcher.submit(1, deadline=now + 0.02))
        in_time = asyncio.create_task(batcher.submit(2, deadline=now + 60))
        with pytest.raises(DeadlineExceeded) as refusal:
            await asyncio.wait_for(late, 5)
        recorder.gate.set()
        return refusal.value.status, await running, await in_time

    assert asyncio.run(scenario()) == (504, 0, 4)
    assert recorder.batches == [[0], [2]]


def test_an_item_s_own_timeout_error_is_not_taken_for_a_deadline():
    def run(items):
        return [TimeoutError("its own") for _ in items]

    async def scenario():
        batcher = Batcher("numbers", run, Device(), 4, 9)
        with pytest.raises(TimeoutError, match="its own"):
            await batcher.submit(1, deadline=asyncio.get_running_loop().time() + 60)

    asyncio.run(scenario())


def test_an_item_whose_client_has_gone_makes_room_in_the_queue(recorder):
    async def scenario():
        batcher = serve(recorder, largest_batch=1, queue_limit=1)
        recorder.gate.clear()
        running = asyncio.create_task(batcher.submit(0))
        await until_running(recorder)
        gone = asyncio.create_task(batcher.submit(1))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await batcher.submit(2)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        stays = asyncio.create_task(batcher.submit(3))
        await asyncio.sleep(0)
        recorder.gate.set()
        return await running, await stays

    assert asyncio.run(scenario()) == (0, 6)


def test_each_run_is_counted_with_its_reason(recorder):
    def runs(reason):
        return metrics.DISPATCHES.labels("reasons", reason)._value.get()

    async def scenario():
        batcher = Batcher("reasons", recorder, Device(), 4, 99)
        recorder.poison = {5}
        return await submit_all(batcher, range(6))

    asyncio.run(scenario())
    assert [runs(reason) for reason in ("full", "idle", "alone")] == [1, 1, 2]
