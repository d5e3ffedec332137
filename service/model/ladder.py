"""Batches of any size on CUDA, run in few sizes that are each ready: 1, 2, 4 … and the largest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.model.binding import Binding


class Ladder:
    """Fills a batch up to the next of its sizes; each size has a session of its own.

    ONNX Runtime's convolutions plan for the size of the last batch alone, so that under load, where
    every batch has another size, each would wait for new plans: on an H100 a batch of the shipped
    graphs then takes 20 to 31 ms, and in this way 0.4 to 2.3. The last image fills up, and what it
    gives is dropped.
    """

    def __init__(
        self, open_session: Callable[[], onnxruntime.InferenceSession], device: str, largest: int
    ) -> None:
        """`device`: as for `Binding`; `largest`: beyond it sizes go on as powers of two."""
        self._open_session = open_session
        self._device = device
        self._largest = largest
        self._steps: dict[int, Binding] = {}

    def run(self, outputs: Sequence[str], feed: Mapping[str, NDArray]) -> list[NDArray]:
        """The named outputs, as `InferenceSession.run` gives them."""
        batch = len(next(iter(feed.values())))
        size = self.size(batch)
        if size not in self._steps:
            self._steps[size] = Binding(self._open_session(), self._device)
        filled = {name: _filled(array, size) for name, array in feed.items()}
        return [array[:batch] for array in self._steps[size].run(outputs, filled)]

    def size(self, batch: int) -> int:
        """The size of batch in which so many images are run."""
        size = 1 << (batch - 1).bit_length()
        return self._largest if batch <= self._largest < size else size


def _filled(array: NDArray, size: int) -> NDArray:
    if len(array) == size:
        return array
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])
