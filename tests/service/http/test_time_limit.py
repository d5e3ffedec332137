import asyncio

import pytest

from service.errors import DeadlineExceeded
from service.http.time_limit import TimeLimit

SCOPE = {"type": "http"}


def call(app, seconds=0.05):
    sent = []

    async def send(message):
        sent.append(message["type"])

    asyncio.run(TimeLimit(app, seconds)(SCOPE, None, send))
    return sent


def test_a_call_that_has_not_begun_its_answer_in_time_is_ended():
    ended = []

    async def never_answers(scope, receive, send):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(DeadlineExceeded):
        call(never_answers)
    assert ended == [True]


def test_an_answer_that_has_begun_may_take_longer():
    async def streams(scope, receive, send):
        await send({"type": "http.response.start"})
        await asyncio.sleep(0.15)
        await send({"type": "http.response.body"})

    assert call(streams) == ["http.response.start", "http.response.body"]


def test_a_timeout_of_the_application_s_own_is_not_taken_for_the_limit():
    async def fails(scope, receive, send):
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        call(fails)
