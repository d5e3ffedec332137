"""Threads for what would hold up the event loop, and the way there and back."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Threads:
    """So many calls at a time, in the order they come.

    In place of `ThreadPoolExecutor` under `loop.run_in_executor`, which takes twice as long: there
    much is done after a thread has been woken up, and that one waits for the interpreter's lock.
    Here nothing is.
    """

    def __init__(self, count: int, name: str) -> None:
        self._closed = False
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            # A process that does not close them can end all the same.
            threading.Thread(target=self._work, name=f"{name}_{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    async def call(
        self,
        function: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **keywords: Arguments.kwargs,
    ) -> Result:
        """The result of `function` on one of the threads; cancelled before, it is not begun."""
        if self._closed:
            raise RuntimeError("the threads have ended")
        loop = asyncio.get_running_loop()
        outcome = loop.create_future()
        call = partial(function, *arguments, **keywords)
        self._calls.put(partial(_report, loop, outcome, call))
        try:
            return await outcome
        finally:
            # An error holds this frame by its traceback, and would be held by it.
            del outcome

    def wait_for(self, function: Callable[[], Result]) -> Result:
        """The result of `function`, for which this thread waits: there is no event loop yet."""
        outcome: Future[Result] = Future()

        def report() -> None:
            try:
                outcome.set_result(function())
            except BaseException as error:
                outcome.set_exception(error)

        self._calls.put(report)
        return outcome.result()

    def close(self) -> None:
        """Wait for what was called and end the threads."""
        self._closed = True
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # and all that it holds, which the next one may be long in coming


async def to_its_end(
    function: Callable[[], Result], if_cancelled: Callable[[], object] = lambda: None
) -> Result:
    """The result of `function` on a thread.

    Cancelled meanwhile, this ends only when the thread has: what it works on may be closed then.
    `if_cancelled`: called at once in that case.
    """
    work = asyncio.create_task(asyncio.to_thread(function))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if_cancelled()
        while not work.done():
            with suppress(asyncio.CancelledError):  # being in a hurry makes no thread faster
                await asyncio.wait({work})
        work.exception()  # nobody waits for it any more
        raise


def _report(
    loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[Result], call: Callable[[], Result]
) -> None:
    """Call on this thread, and let the loop know."""
    if outcome.cancelled():
        return
    result = error = None
    try:
        result = call()
    except BaseException as raised:
        error = raised
    try:
        loop.call_soon_threadsafe(_finish, outcome, result, error)
    except RuntimeError:  # the loop has ended meanwhile
        pass
    finally:
        del outcome, result, error  # for the same reason


def _finish(outcome: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if outcome.done():  # its caller was cancelled
        return
    if error is None:
        outcome.set_result(result)
    else:
        outcome.set_exception(error)
