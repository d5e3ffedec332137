"""Whether a graph still works: a client's image may be to blame for a run that failed, or not.

A CUDA error may spoil all runs that follow it, until the process ends.
"""

import logging
from collections.abc import Callable
from time import monotonic

# Under BentoML's logger, which is the one its server shows.
logger = logging.getLogger(f"bentoml.{__name__}")

TRY_AGAIN_SECONDS = 5.0
"""From one try of a graph that fails to the next."""


class Health:
    """Tries a graph on an input of ours where it failed on a client's."""

    def __init__(self, graph: str, run: Callable[[], object]) -> None:
        """`run`: runs the graph on that input; raises what the graph raises."""
        self._graph = graph
        self._run = run
        self._broken_since: float | None = None
        self._tried = 0.0

    @property
    def broken(self) -> bool:
        """Whether it failed on our own input too, and has not worked since."""
        return self._broken_since is not None

    @property
    def broken_seconds(self) -> float:
        """For how long it has been broken; 0 where it is not."""
        return 0.0 if self._broken_since is None else monotonic() - self._broken_since

    def may_try(self) -> bool:
        """Whether it is time to try it again; then the next time is later."""
        if monotonic() - self._tried < TRY_AGAIN_SECONDS:
            return False
        self._tried = monotonic()
        return True

    def test(self) -> None:
        """Run it on our input, on the thread of its device."""
        self._tried = monotonic()
        try:
            self._run()
        except Exception as error:
            if not self.broken:
                self._broken_since = monotonic()
                logger.error("%s fails on its test input too: not ready (%s)", self._graph, error)
        else:
            self.worked()

    def worked(self) -> None:
        """Note a run that succeeded."""
        if self.broken:
            self._broken_since = None
            logger.warning("%s works again", self._graph)
