"""Reconstructions kept for a while, so that a client may name one by its id."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from service.errors import ItemError
from service.pipeline.archive import Archive


class Kept:
    """The newest reconstructions of this process, in memory; used from the event loop alone.

    Another replica does not know them: where there are several, send the npz instead.
    """

    def __init__(
        self, largest: int, seconds: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._largest = largest
        self._seconds = seconds
        self._clock = clock
        self._archives: OrderedDict[str, tuple[float, Archive]] = OrderedDict()

    def keep(self, archive: Archive) -> str:
        """Its id: 128 random bits, so that no client can guess another's."""
        self._drop_old()
        identity = secrets.token_hex(16)
        self._archives[identity] = (self._clock() + self._seconds, archive)
        if len(self._archives) > self._largest:
            self._archives.popitem(last=False)
        return identity

    def find(self, identity: str) -> Archive:
        """The reconstruction of an id; raises `ItemError` where it never was kept or is no more."""
        self._drop_old()
        try:
            return self._archives[identity][1]
        except KeyError:
            raise ItemError(
                "unknown_id",
                f"no reconstruction {identity[:40]!r} is kept here: ids last {self._seconds} s, on "
                "the replica that made them; send the npz that format=npz returns",
            ) from None

    def _drop_old(self) -> None:
        now = self._clock()
        # All are kept equally long: the oldest come first.
        while self._archives and next(iter(self._archives.values()))[0] <= now:
            self._archives.popitem(last=False)
