"""A large job beside a request that somebody waits for."""

import asyncio

import pytest

from service.call import CALL, Call, inside
from service.jobs.store import JobStore
from service.jobs.worker import Jobs
from service.pipeline.engine import Engine
from service.schemas.options import ImageOptions
from service.schemas.photographs import Upload
from service.settings import Settings
from tests.service.requests import jpeg

LARGEST_BATCH = 8
REQUEST_IMAGES = 4


@pytest.fixture
def engine(bundle_folder):
    return Engine(
        Settings(
            bundle=str(bundle_folder),
            segmenter="bundle",
            device="cpu",
            threads=2,
            largest_batch=LARGEST_BATCH,
        )
    )


def test_a_request_is_in_the_next_batch_however_much_of_a_job_waits(engine, tmp_path):
    async def run():
        jobs = Jobs(engine, JobStore(tmp_path))
        items = [Upload(f"{i}.jpg", jpeg, None) for i in range(100)]
        queue = engine.segmenter.batcher._queue
        (pixels,) = engine.segmenter.session.zeros(1)
        async with engine.device.idle:  # so that all of it has to wait
            job = (await jobs.create(ImageOptions(), items)).id
            jobs.start()
            while len(queue) < 2 * LARGEST_BATCH:
                await asyncio.sleep(0.01)
            call = Call("POST", "/v1/reconstruct", {}, 60)
            with inside(CALL, call):
                asked = [
                    asyncio.create_task(engine.segmenter.segment(pixels[0]))
                    for _ in range(REQUEST_IMAGES)
                ]
            while len(queue) < 2 * LARGEST_BATCH + REQUEST_IMAGES:
                await asyncio.sleep(0.01)
            batch = queue.take(LARGEST_BATCH)
            for waiting in batch:
                queue.put(waiting)
        await asyncio.gather(*asked)
        jobs.store.cancel(job)
        await jobs.close()
        await engine.close()
        return sum(waiting.request is call for waiting in batch)

    assert asyncio.run(run()) == REQUEST_IMAGES


def test_every_job_has_its_turn_however_many_there_are(engine, tmp_path):
    async def run():
        jobs = Jobs(engine, JobStore(tmp_path))
        items = [Upload(f"{i}.jpg", jpeg) for i in range(6)]
        made = [(await jobs.create(ImageOptions(), items)).id for _ in range(3 * LARGEST_BATCH)]
        jobs.start()
        while len(jobs.store.running()) == len(made):
            await asyncio.sleep(0.002)
        open_items = [jobs.store.items(job, 0, 6, ("waiting",)) for job in made]
        untouched = [left for left in open_items if len(left) == 6 and not left[0].attempts]
        for job in made:
            jobs.store.cancel(job)
        await jobs.close()
        await engine.close()
        return len(untouched)

    assert asyncio.run(run()) == 0
