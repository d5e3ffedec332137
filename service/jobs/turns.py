"""Whose turn it is: items of the running jobs in equal shares."""

import heapq
import time
from collections import Counter
from collections.abc import Iterator, Mapping

from service.jobs.store import JobStore


class Turns:
    """Chooses what is begun next by this process."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._last: dict[str, float] = {}
        """When an item of a running job was begun last here, by `time.monotonic`."""

    def choose(self, room: int, begun: Mapping[tuple[str, int], int]) -> dict[str, list[int]]:
        """The next items of the running jobs, one by one of the job with the fewest images begun.

        Of equal ones the first is that of which none was begun for longest. The last item, where
        it is an object, may go beyond the room: none is too large to have its turn.

        `room`: images. `begun`: the images of each item, by job and number.
        """
        shares: Counter[str] = Counter()
        for (job, _), images in begun.items():
            shares[job] += images
        running = self._store.running()
        self._last = {job: self._last.get(job, 0.0) for job in running}
        queues: dict[str, Iterator[tuple[int, int]]] = {}
        turns = [(shares[job], last, job) for job, last in self._last.items()]
        heapq.heapify(turns)
        chosen: dict[str, list[int]] = {}
        while turns and room > 0:
            share, last, job = turns[0]
            if job not in queues:
                free = self._store.free(job, room + shares[job])
                queues[job] = iter([each for each in free.items() if (job, each[0]) not in begun])
            number, images = next(queues[job], (None, 0))
            if number is None:
                heapq.heappop(turns)
                continue
            chosen.setdefault(job, []).append(number)
            room -= images
            heapq.heapreplace(turns, (share + images, last, job))
        self._last.update(dict.fromkeys(chosen, time.monotonic()))
        return chosen
